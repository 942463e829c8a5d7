# Docling: turns documents into text.
route() {
  case $ROUTE in
    /health) json 200 '{"status": "ok"}' ;;
    /version) json 200 '{"docling-serve": "1.7.0"}' ;;
  esac
}
