-- SPDX-License-Identifier: EUPL-1.2
--
-- The role by which Zwilling captures a PostgreSQL cluster, with the least that it needs: it may
-- replicate and read settings; it is no superuser and owns nothing. A role that may replicate reads
-- every byte of the cluster, so guard its password like the data itself.
--
--   psql -X -v role=zwilling -f postgres-role.sql postgres
--   psql -X -v role=zwilling -c '\password zwilling' postgres
--
-- May be run again. `role` is optional (zwilling). No password is set here: it would show in the
-- server's log; leave it out altogether with certificates or peer authentication.
--
-- Add to pg_hba.conf, above wider rules, with the address of the machine that captures, then
-- SELECT pg_reload_conf():
--
--   hostssl  replication  zwilling  192.0.2.10/32  scram-sha-256
--   hostssl  postgres     zwilling  192.0.2.10/32  scram-sha-256
--
-- and on that machine one line each to ~/.pgpass (mode 0600):
--
--   db.example.org:5432:replication:zwilling:PASSWORD
--   db.example.org:5432:postgres:zwilling:PASSWORD

\set ON_ERROR_STOP on
\if :{?role}
\else
    \set role zwilling
\endif

BEGIN;

SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') AS is_new \gset
\if :is_new
    CREATE ROLE :"role";
\endif

-- Three connections are in use at once: a base backup, the stream, questions. The rest is to spare
-- for those that the server has not noticed to be gone.
ALTER ROLE :"role" LOGIN REPLICATION NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS
    CONNECTION LIMIT 8;

-- To say where the data directory is, and what would hinder capturing.
GRANT pg_read_all_settings TO :"role";

-- To mark a moment in the WAL at which the data sets of an application fit together.
GRANT EXECUTE ON FUNCTION pg_create_restore_point(text) TO :"role";

-- To ask its questions.
GRANT CONNECT ON DATABASE postgres TO :"role";

COMMIT;
