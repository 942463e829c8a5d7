#!/bin/sh
# answer.sh NAME: reads one HTTP/1.1 request from standard input, answers it on standard output, logs it on standard error.
# Sets for route(): METHOD, ROUTE (path without query), QUERY, TOKEN (bearer), BODY.
set -u
export LC_ALL=C # ${#text} counts bytes
cr=$(printf '\r')
IFS=' ' read -r METHOD target _ || exit 0
ROUTE=${target%%\?*} QUERY='' TOKEN='' BODY='' length=0 answered=
case $target in *\?*) QUERY=${target#*\?} ;; esac
while IFS= read -r line; do
  line=${line%"$cr"}
  case $line in
    '') break ;;
    [Aa]uthorization:\ [Bb]earer\ *) TOKEN=${line#*earer } ;;
    [Cc]ontent-[Ll]ength:*) length=${line#*:} length=${length# } ;;
  esac
done
case $length in *[!0-9]*) length=0 ;; esac
if [ "$length" -gt 0 ]; then BODY=$(head -c "$length"); fi

reason() {
  case $1 in
    200) echo OK ;; 401) echo Unauthorized ;; 404) echo Not Found ;; 405) echo Method Not Allowed ;;
    400) echo Bad Request ;; 500) echo Internal Server Error ;; 502) echo Bad Gateway ;; 503) echo Service Unavailable ;; *) echo Status ;;
  esac
}

reply() { # STATUS TYPE BODY
  answered=1
  case $1 in 2* | 3*) level=INFO ;; 4*) level=WARNING ;; *) level=ERROR ;; esac
  echo "$level $METHOD $ROUTE $1" >&2
  printf 'HTTP/1.1 %s %s\r\nContent-Type: %s\r\nContent-Length: %s\r\nConnection: close\r\n\r\n' "$1" "$(reason "$1")" "$2" "${#3}"
  [ "$METHOD" = HEAD ] || printf '%s' "$3"
}
json() { reply "$1" application/json "$2"; }
plain() { reply "$1" 'text/plain; charset=utf-8' "$2"; }
page() { # TITLE SENTENCE
  reply 200 'text/html; charset=utf-8' "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>$1 (stand-in)</title><h1>$1</h1><p>$2</p></html>"
}
# bearer KEY: goes on only when the request carries it
bearer() {
  [ "$TOKEN" = "$1" ] || { json 401 '{"error": {"message": "No or wrong key passed in.", "code": "401"}}'; exit 0; }
}

if [ -s /tmp/fault ]; then
  fault=$(cat /tmp/fault)
  case $fault in
    hang) echo "ERROR $METHOD $ROUTE no answer (fault)" >&2; exec sleep 120 ;;
    *) json "$fault" "{\"detail\": \"fault $fault\"}"; exit 0 ;;
  esac
fi
. "$(dirname "$0")/$1.sh"
route
[ -n "$answered" ] || json 404 '{"detail": "Not Found"}'
