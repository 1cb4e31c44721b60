/* SPDX-License-Identifier: Apache-2.0
 *
 * The request shapes of bedrock-runtime 2023-09-30, written from the published service model
 * (botocore, August 2026): members, required ones, enumerations, bounds. Media sources and the
 * inside of citations are only looked at as far as a client could get them wrong by hand.
 */
#include "shape.h"

#define OPTIONAL(member, s)      \
    {                            \
        STR(member), &(s), false \
    }
#define REQUIRED(member, s)     \
    {                           \
        STR(member), &(s), true \
    }
#define END                    \
    {                          \
        {NULL, 0}, NULL, false \
    }
#define STRUCT(name, ...)                                                   \
    static const struct shape_member name##_members[] = {__VA_ARGS__, END}; \
    static const struct shape name = {.kind = SHAPE_STRUCT, .members = name##_members}
#define UNION(name, ...)                                                    \
    static const struct shape_member name##_members[] = {__VA_ARGS__, END}; \
    static const struct shape name = {.kind = SHAPE_UNION, .members = name##_members}
#define LIST(name, of) static const struct shape name = {.kind = SHAPE_LIST, .item = &(of)}
#define ENUM(name, values) \
    static const struct shape name = {.kind = SHAPE_STRING, .choices = values}
#define TEXT(name, least, most, class)                       \
    static const struct shape name = {.kind = SHAPE_STRING,  \
                                      .has_min = true,       \
                                      .min = least,          \
                                      .has_max = (most) > 0, \
                                      .max = most,           \
                                      .chars = class}

static const struct shape any = {.kind = SHAPE_ANY};
static const struct shape string = {.kind = SHAPE_STRING};
static const struct shape boolean = {.kind = SHAPE_BOOLEAN};
static const struct shape nothing_special = {.kind = SHAPE_STRUCT,
                                             .members = (const struct shape_member[]){END}};
TEXT(filled, 1, 0, NULL);

/* --- media */
ENUM(image_format, "png, jpeg, gif, webp");
ENUM(document_format, "pdf, csv, doc, docx, xls, xlsx, html, txt, md");
ENUM(video_format, "mkv, mov, mp4, webm, flv, mpeg, mpg, wmv, three_gp");
ENUM(audio_format, "mp3, opus, wav, aac, flac, mp4, ogg, mkv, mka, x-aac, m4a, mpeg, mpga, pcm, "
                   "webm");
TEXT(s3_uri, 1, 1024, NULL);
STRUCT(s3_location, REQUIRED("uri", s3_uri), OPTIONAL("bucketOwner", string));
UNION(media_source, OPTIONAL("bytes", filled), OPTIONAL("s3Location", s3_location));
STRUCT(image, REQUIRED("format", image_format), REQUIRED("source", media_source));
STRUCT(video, REQUIRED("format", video_format), REQUIRED("source", media_source));
STRUCT(audio, REQUIRED("format", audio_format), REQUIRED("source", media_source));
UNION(document_text, OPTIONAL("text", string));
LIST(document_texts, document_text);
UNION(document_source, OPTIONAL("bytes", filled), OPTIONAL("s3Location", s3_location),
      OPTIONAL("text", string), OPTIONAL("content", document_texts));
TEXT(document_name, 1, 200, NULL);
STRUCT(citations_config, REQUIRED("enabled", boolean));
STRUCT(document, OPTIONAL("format", document_format), REQUIRED("name", document_name),
       REQUIRED("source", document_source), OPTIONAL("context", string),
       OPTIONAL("citations", citations_config));

/* --- content blocks */
#define TOOL_NAME_CHARS "a-zA-Z0-9_-"
TEXT(tool_use_id, 1, 64, "a-zA-Z0-9_.:-");
TEXT(tool_name, 1, 64, TOOL_NAME_CHARS);
ENUM(tool_use_type, "server_tool_use");
STRUCT(tool_use, REQUIRED("toolUseId", tool_use_id), REQUIRED("name", tool_name),
       REQUIRED("input", any), OPTIONAL("type", tool_use_type));
STRUCT(search_text, REQUIRED("text", string));
LIST(search_texts, search_text);
STRUCT(search_result, REQUIRED("source", string), REQUIRED("title", string),
       REQUIRED("content", search_texts), OPTIONAL("citations", citations_config));
UNION(tool_result_block, OPTIONAL("json", any), OPTIONAL("text", string), OPTIONAL("image", image),
      OPTIONAL("document", document), OPTIONAL("video", video),
      OPTIONAL("searchResult", search_result));
LIST(tool_result_blocks, tool_result_block);
ENUM(tool_result_status, "success, error");
STRUCT(tool_result, REQUIRED("toolUseId", tool_use_id), REQUIRED("content", tool_result_blocks),
       OPTIONAL("status", tool_result_status), OPTIONAL("type", string));
ENUM(guard_qualifier, "grounding_source, query, guard_content");
LIST(guard_qualifiers, guard_qualifier);
STRUCT(guard_text, REQUIRED("text", string), OPTIONAL("qualifiers", guard_qualifiers));
ENUM(guard_image_format, "png, jpeg");
UNION(bytes_only, OPTIONAL("bytes", filled));
STRUCT(guard_image, REQUIRED("format", guard_image_format), REQUIRED("source", bytes_only));
UNION(guard_content, OPTIONAL("text", guard_text), OPTIONAL("image", guard_image));
ENUM(cache_type, "default");
ENUM(cache_ttl, "5m, 1h");
STRUCT(cache_point, REQUIRED("type", cache_type), OPTIONAL("ttl", cache_ttl));
STRUCT(reasoning_text, REQUIRED("text", string), OPTIONAL("signature", string));
UNION(reasoning, OPTIONAL("reasoningText", reasoning_text), OPTIONAL("redactedContent", string));
STRUCT(citations_content, OPTIONAL("content", any), OPTIONAL("citations", any));
TEXT(tool_reference_type, 1, 64, NULL);
TEXT(tool_reference_name, 1, 128, NULL);
STRUCT(tool_reference, OPTIONAL("type", tool_reference_type), OPTIONAL("name", tool_reference_name),
       OPTIONAL("serverName", tool_reference_name));
STRUCT(tool_change, REQUIRED("tool", tool_reference));
UNION(content_block, OPTIONAL("text", string), OPTIONAL("image", image),
      OPTIONAL("document", document), OPTIONAL("video", video), OPTIONAL("audio", audio),
      OPTIONAL("toolUse", tool_use), OPTIONAL("toolResult", tool_result),
      OPTIONAL("guardContent", guard_content), OPTIONAL("cachePoint", cache_point),
      OPTIONAL("reasoningContent", reasoning), OPTIONAL("citationsContent", citations_content),
      OPTIONAL("searchResult", search_result), OPTIONAL("toolAddition", tool_change),
      OPTIONAL("toolRemoval", tool_change));
LIST(content_blocks, content_block);
ENUM(role, "user, assistant, system");
STRUCT(message, REQUIRED("role", role), REQUIRED("content", content_blocks));
LIST(messages, message);
UNION(system_block, OPTIONAL("text", filled), OPTIONAL("guardContent", guard_content),
      OPTIONAL("cachePoint", cache_point));
LIST(system_blocks, system_block);

/* --- configuration members */
static const struct shape at_least_one = {.kind = SHAPE_INTEGER, .has_min = true, .min = 1};
static const struct shape share = {
    .kind = SHAPE_NUMBER, .has_min = true, .has_max = true, .min = 0, .max = 1};
static const struct shape stop_sequences = {
    .kind = SHAPE_LIST, .item = &filled, .has_max = true, .max = 2500};
STRUCT(inference_config, OPTIONAL("maxTokens", at_least_one), OPTIONAL("temperature", share),
       OPTIONAL("topP", share), OPTIONAL("stopSequences", stop_sequences));
UNION(tool_schema, OPTIONAL("json", any));
STRUCT(tool_spec, REQUIRED("name", tool_name), OPTIONAL("description", filled),
       REQUIRED("inputSchema", tool_schema), OPTIONAL("strict", boolean));
STRUCT(system_tool, REQUIRED("name", tool_name));
UNION(tool, OPTIONAL("toolSpec", tool_spec), OPTIONAL("systemTool", system_tool),
      OPTIONAL("cachePoint", cache_point));
static const struct shape tools = {.kind = SHAPE_LIST, .item = &tool, .has_min = true, .min = 1};
UNION(tool_choice, OPTIONAL("auto", nothing_special), OPTIONAL("any", nothing_special),
      OPTIONAL("tool", system_tool));
STRUCT(tool_config, REQUIRED("tools", tools), OPTIONAL("toolChoice", tool_choice));
TEXT(guardrail_id, 0, 2048, "a-zA-Z0-9:/-");
ENUM(guardrail_trace, "enabled, disabled, enabled_full");
STRUCT(guardrail, OPTIONAL("guardrailIdentifier", guardrail_id),
       OPTIONAL("guardrailVersion", string), OPTIONAL("trace", guardrail_trace));
ENUM(guardrail_mode, "sync, async");
STRUCT(guardrail_stream, OPTIONAL("guardrailIdentifier", guardrail_id),
       OPTIONAL("guardrailVersion", string), OPTIONAL("trace", guardrail_trace),
       OPTIONAL("streamProcessingMode", guardrail_mode));
UNION(prompt_variable, OPTIONAL("text", string));
static const struct shape prompt_variables = {.kind = SHAPE_MAP, .item = &prompt_variable};
TEXT(response_path, 1, 256, NULL);
static const struct shape response_paths = {
    .kind = SHAPE_LIST, .item = &response_path, .has_max = true, .max = 10};
/* `,-.` is a range in the published pattern; it holds just those three. */
#define METADATA_CHARS "a-zA-Z0-9 \t\n\r\f\v:_@$#=/+,-."
TEXT(metadata_value, 0, 256, METADATA_CHARS);
static const struct shape request_metadata = {.kind = SHAPE_MAP,
                                              .item = &metadata_value,
                                              .has_min = true,
                                              .min = 1,
                                              .has_max = true,
                                              .max = 16,
                                              .key_chars = METADATA_CHARS,
                                              .key_max = 256};
ENUM(latency, "standard, optimized");
STRUCT(performance, OPTIONAL("latency", latency));
ENUM(tier_type, "priority, default, flex, reserved");
STRUCT(service_tier, REQUIRED("type", tier_type));
ENUM(output_type, "json_schema");
STRUCT(json_schema, REQUIRED("schema", string), OPTIONAL("name", string),
       OPTIONAL("description", string));
UNION(output_structure, OPTIONAL("jsonSchema", json_schema));
STRUCT(text_format, REQUIRED("type", output_type), REQUIRED("structure", output_structure));
TEXT(effort, 0, 16, NULL);
STRUCT(output_config, OPTIONAL("textFormat", text_format), OPTIONAL("effort", effort));

#define CONVERSE_MEMBERS                                                                           \
    OPTIONAL("messages", messages), OPTIONAL("system", system_blocks),                             \
        OPTIONAL("inferenceConfig", inference_config), OPTIONAL("toolConfig", tool_config),        \
        OPTIONAL("additionalModelRequestFields", any),                                             \
        OPTIONAL("promptVariables", prompt_variables),                                             \
        OPTIONAL("additionalModelResponseFieldPaths", response_paths),                             \
        OPTIONAL("requestMetadata", request_metadata), OPTIONAL("performanceConfig", performance), \
        OPTIONAL("serviceTier", service_tier), OPTIONAL("outputConfig", output_config)

static const struct shape_member converse_members[] = {CONVERSE_MEMBERS,
                                                       OPTIONAL("guardrailConfig", guardrail), END};
const struct shape shape_converse = {
    .kind = SHAPE_STRUCT, .closed = true, .members = converse_members};
static const struct shape_member stream_members[] = {
    CONVERSE_MEMBERS, OPTIONAL("guardrailConfig", guardrail_stream), END};
const struct shape shape_converse_stream = {
    .kind = SHAPE_STRUCT, .closed = true, .members = stream_members};

/* --- the small operations */
STRUCT(count_body, REQUIRED("body", string));
STRUCT(count_converse, OPTIONAL("messages", messages), OPTIONAL("system", system_blocks),
       OPTIONAL("toolConfig", tool_config), OPTIONAL("additionalModelRequestFields", any));
UNION(count_input, OPTIONAL("invokeModel", count_body), OPTIONAL("converse", count_converse));
static const struct shape_member count_members[] = {REQUIRED("input", count_input), END};
const struct shape shape_count_tokens = {
    .kind = SHAPE_STRUCT, .closed = true, .members = count_members};

ENUM(guardrail_source, "INPUT, OUTPUT");
ENUM(output_scope, "INTERVENTIONS, FULL");
LIST(guard_contents, guard_content);
static const struct shape_member apply_members[] = {REQUIRED("source", guardrail_source),
                                                    REQUIRED("content", guard_contents),
                                                    OPTIONAL("outputScope", output_scope), END};
const struct shape shape_apply_guardrail = {
    .kind = SHAPE_STRUCT, .closed = true, .members = apply_members};

#define SOME_OF(name, of, most)                           \
    static const struct shape name = {.kind = SHAPE_LIST, \
                                      .item = &(of),      \
                                      .has_min = true,    \
                                      .min = 1,           \
                                      .has_max = true,    \
                                      .max = most}
UNION(check_text, OPTIONAL("text", filled));
SOME_OF(check_texts, check_text, 1e6);
STRUCT(check_message, REQUIRED("role", role), REQUIRED("content", check_texts));
SOME_OF(check_messages, check_message, 1e6);
ENUM(filter_category, "VIOLENCE, HATE, SEXUAL, MISCONDUCT, INSULTS");
STRUCT(filter_entry, REQUIRED("category", filter_category));
SOME_OF(filter_entries, filter_entry, 5);
STRUCT(filter_config, REQUIRED("categories", filter_entries));
ENUM(attack_category, "JAILBREAK, PROMPT_INJECTION, PROMPT_LEAKAGE");
STRUCT(attack_entry, REQUIRED("category", attack_category));
SOME_OF(attack_entries, attack_entry, 3);
STRUCT(attack_config, REQUIRED("categories", attack_entries));
STRUCT(entity_entry, REQUIRED("type", string));
SOME_OF(entity_entries, entity_entry, 31);
STRUCT(entity_config, REQUIRED("entities", entity_entries));
STRUCT(checks, OPTIONAL("contentFilter", filter_config), OPTIONAL("promptAttack", attack_config),
       OPTIONAL("sensitiveInformation", entity_config));
static const struct shape_member checks_body[] = {REQUIRED("messages", check_messages),
                                                  REQUIRED("checks", checks), END};
const struct shape shape_guardrail_checks = {
    .kind = SHAPE_STRUCT, .closed = true, .members = checks_body};

TEXT(token, 1, 256, NULL);
STRUCT(async_s3, REQUIRED("s3Uri", s3_uri), OPTIONAL("kmsKeyId", string),
       OPTIONAL("bucketOwner", string));
UNION(async_output, OPTIONAL("s3OutputDataConfig", async_s3));
static const struct shape_member async_members[] = {OPTIONAL("clientRequestToken", token),
                                                    REQUIRED("modelId", token),
                                                    REQUIRED("modelInput", any),
                                                    REQUIRED("outputDataConfig", async_output),
                                                    OPTIONAL("tags", any),
                                                    END};
const struct shape shape_start_async = {
    .kind = SHAPE_STRUCT, .closed = true, .members = async_members};

/* CreateModelInvocationJob, of bedrock 2023-04-20; its patterns are op_jobs.c's. */
TEXT(job_name, 1, 63, NULL);
TEXT(job_role, 0, 2048, NULL);
TEXT(job_model, 1, 2048, NULL);
TEXT(account, 12, 12, "0-9");
TEXT(kms_key, 1, 2048, NULL);
ENUM(input_format, "JSONL");
ENUM(invocation_type, "InvokeModel, Converse");
static const struct shape job_hours = {
    .kind = SHAPE_INTEGER, .has_min = true, .min = 24, .has_max = true, .max = 168};
STRUCT(job_s3_in, REQUIRED("s3Uri", s3_uri), OPTIONAL("s3InputFormat", input_format),
       OPTIONAL("s3BucketOwner", account));
STRUCT(job_s3_out, REQUIRED("s3Uri", s3_uri), OPTIONAL("s3EncryptionKeyId", kms_key),
       OPTIONAL("s3BucketOwner", account));
UNION(job_input, OPTIONAL("s3InputDataConfig", job_s3_in));
UNION(job_output, OPTIONAL("s3OutputDataConfig", job_s3_out));
TEXT(network_id, 0, 32, "-0-9a-zA-Z");
SOME_OF(subnets, network_id, 16);
SOME_OF(security_groups, network_id, 5);
STRUCT(vpc, REQUIRED("subnetIds", subnets), REQUIRED("securityGroupIds", security_groups));
TEXT(tag_key, 1, 128, NULL);
TEXT(tag_value, 0, 256, NULL);
STRUCT(tag, REQUIRED("key", tag_key), REQUIRED("value", tag_value));
static const struct shape job_tags = {
    .kind = SHAPE_LIST, .item = &tag, .has_max = true, .max = 200};
static const struct shape_member job_members[] = {REQUIRED("jobName", job_name),
                                                  REQUIRED("roleArn", job_role),
                                                  OPTIONAL("clientRequestToken", token),
                                                  REQUIRED("modelId", job_model),
                                                  REQUIRED("inputDataConfig", job_input),
                                                  REQUIRED("outputDataConfig", job_output),
                                                  OPTIONAL("vpcConfig", vpc),
                                                  OPTIONAL("timeoutDurationInHours", job_hours),
                                                  OPTIONAL("tags", job_tags),
                                                  OPTIONAL("modelInvocationType", invocation_type),
                                                  END};
const struct shape shape_create_job = {
    .kind = SHAPE_STRUCT, .closed = true, .members = job_members};
