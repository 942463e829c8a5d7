# LiteLLM: its models are those of the configuration file, its key the one of the env file.
names() { sed -n 's/^ *- *model_name: *"\{0,1\}\([A-Za-z0-9._:-]*\)"\{0,1\} *$/\1/p' /conf/litellm_config.yaml; }

list() {
  names | awk '{printf "%s{\"id\": \"%s\", \"object\": \"model\", \"created\": 1677610602, \"owned_by\": \"openai\"}", (NR > 1 ? ", " : ""), $0}'
}

healthy() { names | awk '{printf "%s{\"model\": \"%s\"}", (NR > 1 ? ", " : ""), $0}'; }

complete() {
  model=$(printf %s "$BODY" | tr '\n' ' ' | sed -n 's/.*"model" *: *"\([^"]*\)".*/\1/p' | tr -cd 'A-Za-z0-9._:/-')
  if ! names | grep -qx -- "$model"; then
    json 400 "{\"error\": {\"message\": \"/chat/completions: Invalid model name passed in model=$model. Call \`/v1/models\` to view available models for your key.\", \"type\": \"None\", \"param\": \"None\", \"code\": \"400\"}}"
    return
  fi
  json 200 "{\"id\": \"chatcmpl-$(date +%s)\", \"created\": $(date +%s), \"model\": \"$model\", \"object\": \"chat.completion\", \"choices\": [{\"finish_reason\": \"stop\", \"index\": 0, \"message\": {\"content\": \"Hello! I am a stand-in, and I am fine.\", \"role\": \"assistant\"}}], \"usage\": {\"completion_tokens\": 10, \"prompt_tokens\": 8, \"total_tokens\": 18}}"
}

route() {
  case "$METHOD $ROUTE" in
    'GET /') page LiteLLM 'One address for all models.' ;;
    *\ /health/liveliness | *\ /health/liveness) json 200 '"I'\''m alive!"' ;;
    *\ /health/readiness) json 200 '{"status": "connected", "db": "connected", "litellm_version": "1.77.0"}' ;;
    'GET /health')
      bearer "$LITELLM_MASTER_KEY"
      json 200 "{\"healthy_endpoints\": [$(healthy)], \"unhealthy_endpoints\": [], \"healthy_count\": $(names | wc -l), \"unhealthy_count\": 0}"
      ;;
    'GET /v1/models' | 'GET /models')
      bearer "$LITELLM_MASTER_KEY"
      json 200 "{\"object\": \"list\", \"data\": [$(list)]}"
      ;;
    'POST /v1/chat/completions' | 'POST /chat/completions')
      bearer "$LITELLM_MASTER_KEY"
      complete
      ;;
  esac
}
