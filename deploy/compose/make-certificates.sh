#!/bin/sh
# Makes deploy/compose/certs: an authority, the node's certificate, the admin certificate that the gateway shows, and the one that it shows where it
# speaks for a caller. For a first try; a cluster of yours has its own. Needs openssl. What is there already stays.
set -eu
umask 022
folder=$(dirname "$0")/certs
[ ! -e "$folder/admin.pem" ] || { echo "$folder has certificates already"; exit 0; }
# The folder keeps others on this machine out; the files can be read by the users that containers run as.
mkdir -p -m 700 "$folder"
cd "$folder"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -sha256 \
  -subj /O=memory-gateway/CN=ca -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
  -keyout ca-key.pem -out ca.pem 2>/dev/null

issue() { # name, extensions
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/O=memory-gateway/CN=$1" -keyout "$1-key.pem" -out "$1.csr" 2>/dev/null
  printf 'basicConstraints=CA:FALSE\n%s\n' "$2" > "$1.ext"
  openssl x509 -req -days 365 -sha256 -in "$1.csr" -CA ca.pem -CAkey ca-key.pem -CAcreateserial -extfile "$1.ext" -out "$1.pem" 2>/dev/null
  rm "$1.csr" "$1.ext"
  chmod 644 "$1-key.pem"
}
issue node 'subjectAltName=DNS:opensearch,DNS:localhost
extendedKeyUsage=serverAuth,clientAuth'
issue admin 'extendedKeyUsage=clientAuth'
issue gateway 'extendedKeyUsage=clientAuth'
rm ca-key.pem ca.srl # nobody issues a second admin
echo "made $folder"
