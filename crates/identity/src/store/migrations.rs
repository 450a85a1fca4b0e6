//! The tables of this crate, in the order in which they came.

use db::Migration;

/// The tables of this crate.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "identity_20261121_tables",
        sql: "
        CREATE TABLE account (
            id {blob} PRIMARY KEY,
            login TEXT NOT NULL UNIQUE,
            person {blob} UNIQUE,
            password TEXT,
            password_changed_at BIGINT,
            disabled_at BIGINT,
            failures BIGINT NOT NULL,
            locked_until BIGINT,
            created_at BIGINT NOT NULL);
        CREATE TABLE session (
            token_hash {blob} PRIMARY KEY,
            account {blob} NOT NULL REFERENCES account (id),
            created_at BIGINT NOT NULL,
            last_seen_at BIGINT NOT NULL,
            expires_at BIGINT NOT NULL,
            address TEXT NOT NULL,
            agent TEXT NOT NULL);
        CREATE INDEX session_account ON session (account);
        CREATE INDEX session_expires_at ON session (expires_at);
        CREATE TABLE role (
            code TEXT PRIMARY KEY,
            name_zh TEXT NOT NULL,
            name_en TEXT NOT NULL,
            permissions TEXT NOT NULL,
            builtin BOOLEAN NOT NULL);
        CREATE TABLE role_grant (
            id {blob} PRIMARY KEY,
            account {blob} NOT NULL REFERENCES account (id),
            role TEXT NOT NULL REFERENCES role (code),
            unit {blob} NOT NULL,
            from_date TEXT NOT NULL,
            to_date TEXT,
            granted_by {blob},
            granted_at BIGINT NOT NULL,
            revoked_by {blob},
            revoked_at BIGINT);
        CREATE INDEX role_grant_account ON role_grant (account);
        CREATE INDEX role_grant_unit ON role_grant (unit);
        CREATE TABLE audit (
            id {blob} PRIMARY KEY,
            at BIGINT NOT NULL,
            account {blob},
            action TEXT NOT NULL,
            object_kind TEXT NOT NULL,
            object_id TEXT NOT NULL,
            detail TEXT NOT NULL,
            address TEXT NOT NULL);
        CREATE INDEX audit_at ON audit (at, id);
        CREATE INDEX audit_account ON audit (account, at)",
    },
    Migration {
        name: "identity_20261122_password_history",
        sql: "
        CREATE TABLE password_history (
            id {blob} PRIMARY KEY,
            account {blob} NOT NULL REFERENCES account (id),
            password TEXT NOT NULL,
            set_at BIGINT NOT NULL);
        CREATE INDEX password_history_account ON password_history (account, set_at);
        INSERT INTO password_history (id, account, password, set_at)
            SELECT id, id, password, password_changed_at FROM account
            WHERE password IS NOT NULL AND password_changed_at IS NOT NULL",
    },
    Migration {
        name: "identity_20261122_activation",
        sql: "
        CREATE TABLE activation (
            account {blob} PRIMARY KEY REFERENCES account (id),
            code_hash {blob} NOT NULL,
            expires_at BIGINT NOT NULL,
            issued_by {blob},
            issued_at BIGINT NOT NULL)",
    },
    Migration {
        name: "identity_20261122_duties",
        sql: "
        ALTER TABLE role ADD COLUMN duty TEXT;
        ALTER TABLE account ADD COLUMN unit {blob};
        CREATE INDEX account_unit ON account (unit);
        CREATE TABLE account_duty (
            account {blob} PRIMARY KEY REFERENCES account (id),
            duty TEXT NOT NULL,
            taken_at BIGINT NOT NULL)",
    },
    Migration {
        name: "identity_20261122_audit_chain",
        sql: "
        CREATE TABLE audit_tail (
            entry {blob} PRIMARY KEY);
        CREATE TABLE audit_link (
            seq BIGINT PRIMARY KEY,
            entry {blob} NOT NULL UNIQUE,
            hash TEXT NOT NULL);
        CREATE TABLE audit_chain (
            id BIGINT PRIMARY KEY,
            size BIGINT NOT NULL,
            head TEXT NOT NULL,
            anchor BIGINT NOT NULL,
            anchor_hash TEXT NOT NULL,
            node {blob},
            lease_until BIGINT NOT NULL);
        INSERT INTO audit_chain (id, size, head, anchor, anchor_hash, lease_until)
            VALUES (1, 0, '', 0, '', 0);
        INSERT INTO audit_tail (entry) SELECT id FROM audit;
        CREATE INDEX audit_object ON audit (object_id, at)",
    },
    Migration {
        name: "identity_20261122_clients",
        sql: "
        CREATE TABLE client (
            account {blob} PRIMARY KEY REFERENCES account (id),
            purpose TEXT NOT NULL,
            made_by {blob},
            token_hash {blob});
        CREATE TABLE client_grant (
            account {blob} NOT NULL REFERENCES client (account),
            permission TEXT NOT NULL,
            unit {blob} NOT NULL,
            PRIMARY KEY (account, permission, unit));
        CREATE TABLE client_token (
            token_hash {blob} PRIMARY KEY,
            account {blob} NOT NULL REFERENCES client (account),
            prefix TEXT NOT NULL,
            from_date TEXT NOT NULL,
            to_date TEXT NOT NULL,
            created_by {blob},
            created_at BIGINT NOT NULL,
            last_used_at BIGINT,
            last_address TEXT NOT NULL,
            refused_at BIGINT,
            revoked_by {blob},
            revoked_at BIGINT);
        CREATE INDEX client_token_account ON client_token (account)",
    },
    Migration {
        name: "identity_20261122_second_factor",
        sql: "
        CREATE TABLE second_factor (
            account {blob} PRIMARY KEY REFERENCES account (id),
            secret {blob} NOT NULL,
            last_step BIGINT NOT NULL,
            confirmed_at BIGINT);
        CREATE TABLE recovery_code (
            account {blob} NOT NULL REFERENCES account (id),
            code_hash {blob} NOT NULL,
            PRIMARY KEY (account, code_hash));
        ALTER TABLE session ADD COLUMN second_due BOOLEAN NOT NULL DEFAULT FALSE",
    },
    Migration {
        name: "identity_20261122_scim",
        sql: "
        CREATE TABLE scim_user (
            account {blob} PRIMARY KEY REFERENCES account (id),
            external_id TEXT,
            document TEXT NOT NULL,
            told_by {blob},
            modified_at BIGINT NOT NULL,
            closed_at BIGINT);
        CREATE INDEX scim_user_external_id ON scim_user (external_id);
        CREATE TABLE scim_group (
            id {blob} PRIMARY KEY,
            unit {blob} NOT NULL,
            name TEXT NOT NULL,
            external_id TEXT,
            made_by {blob},
            created_at BIGINT NOT NULL,
            modified_at BIGINT NOT NULL);
        CREATE TABLE scim_member (
            group_id {blob} NOT NULL REFERENCES scim_group (id),
            account {blob} NOT NULL REFERENCES account (id),
            PRIMARY KEY (group_id, account));
        CREATE INDEX scim_member_account ON scim_member (account)",
    },
    Migration {
        name: "identity_20261122_doors",
        sql: "
        CREATE TABLE oidc_flow (
            state_hash {blob} PRIMARY KEY,
            browser_hash {blob} NOT NULL,
            nonce TEXT NOT NULL,
            verifier TEXT NOT NULL,
            next TEXT NOT NULL,
            expires_at BIGINT NOT NULL);
        CREATE INDEX oidc_flow_expires_at ON oidc_flow (expires_at);
        ALTER TABLE session ADD COLUMN door TEXT NOT NULL DEFAULT 'password';
        ALTER TABLE session ADD COLUMN trusted BOOLEAN NOT NULL DEFAULT FALSE",
    },
    Migration {
        name: "identity_20261122_delegation",
        sql: "
        CREATE TABLE delegation (
            id {blob} PRIMARY KEY,
            giver {blob} NOT NULL REFERENCES account (id),
            taker {blob} NOT NULL REFERENCES account (id),
            unit {blob} NOT NULL,
            permissions TEXT NOT NULL,
            decides BOOLEAN NOT NULL,
            reason TEXT NOT NULL,
            from_date TEXT NOT NULL,
            to_date TEXT NOT NULL,
            made_at BIGINT NOT NULL,
            ended_by {blob},
            ended_at BIGINT);
        CREATE INDEX delegation_giver ON delegation (giver);
        CREATE INDEX delegation_taker ON delegation (taker);
        CREATE INDEX delegation_unit ON delegation (unit);
        ALTER TABLE session ADD COLUMN acting {blob};
        ALTER TABLE audit ADD COLUMN on_behalf {blob};
        ALTER TABLE role ADD COLUMN needs_end BOOLEAN NOT NULL DEFAULT FALSE;
        CREATE TABLE role_office (
            role TEXT NOT NULL REFERENCES role (code),
            kind TEXT NOT NULL,
            office TEXT NOT NULL,
            name_zh TEXT NOT NULL,
            name_en TEXT NOT NULL,
            PRIMARY KEY (role, kind, office))",
    },
];
