# SearXNG: the search page and its own description.
engine() { # NAME CATEGORY ENABLED SHORTCUT
  printf '{"name": "%s", "categories": ["%s"], "enabled": %s, "shortcut": "%s", "language_support": true, "paging": true, "safesearch": true, "time_range_support": false, "timeout": 3.0}' "$@"
}

description() {
  printf '{"instance_name": "SearXNG", "version": "2025.11.1", "default_locale": "", "autocomplete": "", "safe_search": 0, "categories": ["general", "images", "map", "science"], "engines": [%s, %s, %s, %s]}' \
    "$(engine wikipedia general true wp)" "$(engine openstreetmap map true osm)" "$(engine 'wikicommons.images' images true wc)" \
    "$(engine arxiv science false arx)"
}

route() {
  case $ROUTE in
    /) page SearXNG 'The search field would be here.' ;;
    /healthz) plain 200 OK ;;
    /config) json 200 "$(description)" ;;
  esac
}
