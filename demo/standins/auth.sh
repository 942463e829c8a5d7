# The validator of log-ins: finds everybody's valid.
route() {
  case $ROUTE in
    /health) json 200 '{"status": "healthy"}' ;;
    /validate) json 200 '{"valid": true}' ;;
  esac
}
