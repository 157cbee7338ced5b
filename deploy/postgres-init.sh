#!/bin/sh
# Once, when the database is made: an ordinary user who owns it, and nothing else on the server.
set -eu
psql --username "$POSTGRES_USER" --set ON_ERROR_STOP=1 --set password="$GRAFT_PASSWORD" <<'SQL'
CREATE ROLE graft LOGIN PASSWORD :'password';
CREATE DATABASE graft OWNER graft;
SQL
