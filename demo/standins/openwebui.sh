# Open WebUI: the page people open.
route() {
  case $ROUTE in
    /) page 'Open WebUI' 'The chat would be here.' ;;
    /health) json 200 '{"status": true}' ;;
    /api/version) json 200 '{"version": "0.6.30"}' ;;
    /api/config) json 200 '{"status": true, "name": "Open WebUI", "version": "0.6.30"}' ;;
  esac
}
