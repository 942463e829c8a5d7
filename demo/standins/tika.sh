# Apache Tika: greets on /tika, as the real one does.
route() {
  case $ROUTE in
    /) page 'Apache Tika' 'Send a document to /tika.' ;;
    /tika) plain 200 'This is Tika Server (Apache Tika 3.2.2, stand-in). Please PUT' ;;
    /version) plain 200 'Apache Tika 3.2.2' ;;
  esac
}
