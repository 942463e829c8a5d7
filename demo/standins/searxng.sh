# SearXNG: the search page and its own description.
route() {
  case $ROUTE in
    /) page SearXNG 'The search field would be here.' ;;
    /healthz) plain 200 OK ;;
    /config)
      json 200 '{"instance_name": "SearXNG", "engines": [{"name": "wikipedia", "enabled": true, "categories": ["general"]}, {"name": "openstreetmap", "enabled": true, "categories": ["map"]}], "version": "2025.11.1"}'
      ;;
  esac
}
