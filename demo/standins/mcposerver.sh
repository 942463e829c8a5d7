# MCPO: serves the description of the tools in its configuration file.
route() {
  case $ROUTE in
    /docs) page MCPO 'The tools would be described here.' ;;
    /openapi.json) json 200 '{"openapi": "3.1.0", "info": {"title": "MCP OpenAPI Proxy", "version": "1.0"}, "paths": {}}' ;;
  esac
}
