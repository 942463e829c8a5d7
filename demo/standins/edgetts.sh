# Edge TTS: everything needs the key of the env file.
route() {
  case $ROUTE in
    /voices | /v1/voices)
      bearer "$API_KEY"
      json 200 '{"voices": [{"name": "en-US-AvaNeural", "gender": "Female", "language": "en-US"}, {"name": "ru-RU-SvetlanaNeural", "gender": "Female", "language": "ru-RU"}]}'
      ;;
  esac
}
