/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration file: YAML in, one struct out, or sentences with file, line and column.
 * Unknown keys are errors and name the nearest known one. `${NAME}` in a value takes an environment
 * variable, `${file:/path}` a file's text. A configuration never changes after it is loaded; a
 * reload makes a new one.
 */
#ifndef WEIR_GATE_CONFIG_H
#define WEIR_GATE_CONFIG_H

#include "weir/base/arena.h"
#include "weir/base/buf.h"
#include "weir/base/log.h"
#include "weir/gate/levers.h"
#include "weir/plan/cache_plan.h"

enum { CONFIG_MOST_LISTENERS = 16, CONFIG_PROXY_USER_MOST = 300 };

struct catalogue;
struct window;
struct yaml_node;

struct config_listen {
    struct str address, prefix, cert, key, client_ca;
    bool proxy_protocol;
    bool plaintext; /* beyond loopback without TLS: it was asked for */
};

enum { CONFIG_MOST_CLIENTS = 256, CONFIG_MOST_RULES = 64, CONFIG_NOT_SET = -1 };

/* 0: no limit. */
struct config_limits {
    uint64_t requests_per_minute, tokens_per_minute, concurrent, body_bytes;
};

enum config_then { THEN_REJECT, THEN_FLEX, THEN_WARN };

/* Who may come in, by any of its methods. */
struct config_client {
    struct str name;
    struct str access_key_id, secret_file; /* SigV4 with a pair of its own */
    struct str bearer_file;
    struct str cn;       /* of its certificate */
    bool loopback;       /* whoever comes from this machine without any of these */
    bool passthrough;    /* its own Bedrock API key goes upstream untouched */
    struct str role_arn; /* Weir calls Bedrock as this role for it */
    struct config_limits limits;
    uint64_t day_nanousd, month_nanousd; /* budget; 0: none */
    enum config_then then;
    const struct yaml_node *models; /* a list of patterns; NULL: all */
    bool persist;                   /* may prompts touch our disk and S3 */
};

/* The first that matches counts for each setting. Empty patterns match all; "*" stands for any run
 * of characters. */
struct config_rule {
    struct str name;
    struct str client, workload, model, operation, user_agent;
    const struct yaml_node *header, *metadata; /* mappings of name to pattern; NULL: any */
    struct str hours;                          /* empty: at all times */
    const struct window *window;               /* what they mean; NULL: no hours */
    const struct yaml_node *set_metadata;      /* name to value: requestMetadata entries to add */
    int set_cache;                             /* enum cache_mode, or CONFIG_NOT_SET */
    int64_t deadline_ms;                       /* 0: not set */
    int set_reply;                             /* enum spool_reply, or CONFIG_NOT_SET */
    const struct yaml_node *set_lane;          /* words; NULL: not set */
    unsigned lanes;                            /* ... as bits: 1 << enum lane */
    bool accepted; /* of STATE/rules.yaml (gate/accepted.h): its client and workload are names, not
                      patterns; an empty workload is none */
};

/* What waits for batch jobs. */
struct config_batch {
    struct str bucket; /* empty: nothing does */
    struct str prefix, role_arn, kms_key, spool_key_file;
    int64_t linger_ms, poll_ms, keep_ms, replay_ms;
    uint64_t spool_bytes, max_twice_nanousd;
};

enum config_metering { METERING_ON, METERING_STRICT, METERING_OFF };

struct config {
    struct arena arena;           /* owns every str and tree */
    struct str name;              /* of the file, for what is found wrong with it later */
    const struct yaml_node *root; /* of the file; NULL: there is none */
    struct str left_out;          /* of STATE/rules.yaml, and why; empty: nothing */
    struct config_listen listen[CONFIG_MOST_LISTENERS];
    size_t n_listen;
    struct config_client clients[CONFIG_MOST_CLIENTS];
    size_t n_clients;
    struct config_rule rules[CONFIG_MOST_RULES];
    size_t n_rules;
    struct config_limits limits; /* of all clients together */
    struct str admin_token_file; /* empty: none */
    struct str seal_file;        /* seals the secrets of issued keys; empty: STATE/seal.key */
    struct str admin_address, state;
    unsigned workers; /* 0: auto */
    uint64_t bodies_bytes, connections;
    int64_t connect_ms, answer_ms, stream_silence_ms, drain_ms;
    int64_t settle_drain_ms;
    enum config_metering metering;
    uint64_t book_bytes;
    int64_t keep_requests_ms;
    enum levers_mode levers;
    enum cache_mode cache_mode;
    enum cache_ttl cache_ttl;
    bool cache_share_all;                  /* clients of one AWS account learn together */
    bool cache_retime;                     /* the client's own markers may get another TTL */
    uint32_t holdout_parts, explore_parts; /* of PRICE_ONE */
    uint64_t cache_bytes;
    struct str region, runtime_url, control_url, s3_url, cloudwatch_url, sts_url, ca_file,
        egress_proxy;
    struct str profile, bearer_file;
    bool no_credentials; /* Weir has none of its own: passthrough clients only */
    struct config_batch batch;
    struct str catalogue;
    uint32_t discount_parts;                           /* of PRICE_ONE */
    const struct yaml_node *overrides;                 /* as they stand in the file; NULL: none */
    struct str emf_to, cloudwatch_namespace, otlp_url; /* empty: off */
    int64_t cloudwatch_every_ms, otlp_every_ms;
    uint64_t cloudwatch_series;
    bool other_operations;
    enum log_format log_format;
    enum log_level log_level;
};

/* Reads `path`, or the built-in defaults when it is NULL, and behind its rules those that were
 * accepted. NULL on failure with one line per fault in `faults`. */
struct config *config_load(const char *path, struct buf *faults);
/* The same from text; `name` stands for the file in faults. For tests and fuzzing. */
struct config *config_parse(struct str name, struct str text, struct buf *faults);
/* Adds those of the rules in `text` (YAML with nothing but `rules`) that are without a fault,
 * behind those that are there, as accepted ones. */
void config_add_rules(struct config *c, struct str name, struct str text, struct buf *faults);
void config_free(struct config *c);
/* NULL: none is called so. */
const struct config_client *config_find_client(const struct config *c, struct str name);

/* The effective configuration as YAML, every key with its value. Secrets in URLs are hidden. */
void config_print(const struct config *c, struct buf *out);

/* What may be a mistake and may be right, a line each with its place: patterns of models that mean
 * none that the catalogue knows. */
void config_add_notes(const struct config *c, const struct catalogue *catalogue, struct buf *out);

/* The account of a role's ARN; empty: it is none. */
struct str config_account(struct str role_arn);
/* 127.0.0.0/8 or [::1], and a port. */
bool config_is_loopback(struct str address);

#endif
