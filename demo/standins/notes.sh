# A program the dashboard has never heard of.
route() {
  case $ROUTE in
    /) page Notes 'Milk, bread, a birthday card.' ;;
  esac
}
