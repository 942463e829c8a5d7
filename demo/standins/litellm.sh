# LiteLLM: its models are those of the configuration file, its key the one of the env file.
list() {
  sed -n 's/^ *- *model_name: *"\{0,1\}\([A-Za-z0-9._:-]*\)"\{0,1\} *$/\1/p' /conf/litellm_config.yaml |
    awk '{printf "%s{\"id\": \"%s\", \"object\": \"model\", \"created\": 1677610602, \"owned_by\": \"openai\"}", (NR > 1 ? ", " : ""), $0}'
}

route() {
  case $ROUTE in
    /) page LiteLLM 'One address for all models.' ;;
    /health/liveliness | /health/liveness) json 200 '"I'\''m alive!"' ;;
    /health/readiness) json 200 '{"status": "connected", "db": "connected", "litellm_version": "1.77.0"}' ;;
    /health)
      bearer "$LITELLM_MASTER_KEY"
      json 200 '{"healthy_endpoints": [], "unhealthy_endpoints": [], "healthy_count": 0, "unhealthy_count": 0}'
      ;;
    /v1/models | /models)
      bearer "$LITELLM_MASTER_KEY"
      json 200 "{\"object\": \"list\", \"data\": [$(list)]}"
      ;;
  esac
}
