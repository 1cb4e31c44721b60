/* SPDX-License-Identifier: Apache-2.0
 *
 * CloudWatch's PutMetricData over awsJson 1.0: body packed or not, every limit of the service held,
 * all data of a call or none. Limits and error names: service model 2010-08-01 and the API
 * reference, November 2026.
 */
#include "call.h"

#include "weir/base/text.h"

#include <stdlib.h>
#include <zlib.h>

enum {
    DATA_MOST = 1000,
    VALUES_MOST = 150,
    DIMENSIONS_MOST = 30,
    NAME_MOST = 255,
    VALUE_MOST = 1024,
    BODY_MOST = 1024 * 1024, /* unpacked */
    BACK_S = 14 * 24 * 3600,
    AHEAD_S = 2 * 3600
};

static bool wrong(struct call *c, const char *type, const char *sentence)
{
    return refusal_set(&c->refusal, 400, type, "%s", sentence);
}

static bool wrong_value(struct call *c, const char *sentence)
{
    return wrong(c, "InvalidParameterValueException", sentence);
}

/* --- the body */

static bool unpack(struct call *c, struct str packed, struct buf *out)
{
    z_stream z = {0};
    char *room = buf_reserve(out, BODY_MOST + 1);
    if (inflateInit2(&z, 15 + 16) != Z_OK)
        return wrong(c, "SerializationException", "zlib failed.");
    z.next_in = (z_const Bytef *)packed.ptr;
    z.avail_in = (uInt)packed.len;
    z.next_out = (Bytef *)room;
    z.avail_out = BODY_MOST + 1;
    int end = inflate(&z, Z_FINISH);
    buf_commit(out, z.total_out);
    bool rest = z.avail_in > 0;
    inflateEnd(&z);
    if (end != Z_STREAM_END && z.avail_out > 0)
        return wrong(c, "SerializationException", "The body is no gzip member.");
    return !rest || wrong(c, "SerializationException", "There is something behind the member.");
}

static bool take_body(struct call *c, struct buf *unpacked)
{
    struct str coding = fields_get(c->ask->fields, S("content-encoding"));
    struct str type = fields_get(c->ask->fields, S("content-type"));
    struct str body = c->ask->body;
    if (!str_eq(type, S("application/x-amz-json-1.0")))
        return wrong(c, "SerializationException", "Content-Type is application/x-amz-json-1.0.");
    if (str_eq(coding, S("gzip"))) {
        if (!unpack(c, body, unpacked))
            return false;
        body = buf_str(unpacked);
    } else if (coding.len) {
        return wrong(c, "SerializationException", "Content-Encoding is gzip or nothing.");
    }
    if (body.len > BODY_MOST)
        return refusal_set(&c->refusal, 413, "RequestEntityTooLargeException",
                           "A call is 1 MB at most.");
    if (tree_parse(&c->tree, body) == 0)
        return true;
    return wrong(c, "SerializationException", "The body is not JSON.");
}

/* --- what a datum may be */

static bool printable(struct str s, size_t most)
{
    bool blank = true;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < ' ' || s.ptr[i] > '~')
            return false;
        blank = blank && s.ptr[i] == ' ';
    }
    return !blank && s.len <= most;
}

/* A string member as its characters, borrowed from `room`. */
static bool text_of(const struct node *n, size_t most, struct buf *room, struct str *out)
{
    buf_clear(room);
    if (!tree_is(n, TREE_STRING))
        return false;
    *out = tree_text(n, room);
    return printable(*out, most);
}

static bool good_number(const struct node *n)
{
    double d = tree_number(n), most = 2.348542582773833e108; /* 2 to the 360 */
    return tree_is(n, TREE_NUMBER) && d >= -most && d <= most;
}

static bool known_members(const struct tree *t, const struct node *object, const char *const *names)
{
    for (const struct node *n = tree_child(t, object); n; n = tree_next(t, n)) {
        size_t i = 0;
        while (names[i] && !str_eq(n->key, str_of(names[i])))
            i++;
        if (!names[i])
            return false;
    }
    return true;
}

static bool check_unit(struct call *c, const struct node *unit)
{
    static const char *const units[] = {"Seconds",   "Microseconds", "Milliseconds", "Bytes",
                                        "Percent",   "Count",        "Count/Second", "None",
                                        "Kilobytes", "Megabytes"};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (!unit || tree_says(unit, str_of(units[i])))
            return true;
    return wrong_value(c, "The parameter Unit is not one of those that exist.");
}

static bool check_time(struct call *c, const struct node *time)
{
    double now = (double)world_auth_now_s(c->world), t = tree_number(time);
    if (!time)
        return true; /* then it is now */
    if (!tree_is(time, TREE_NUMBER))
        return wrong(c, "SerializationException", "Timestamp is a number of seconds.");
    if (t < now - BACK_S || t > now + AHEAD_S)
        return wrong_value(c, "Timestamp is older than two weeks or more than two hours ahead.");
    return true;
}

static bool check_list(struct call *c, const struct node *list, bool counts)
{
    if (!tree_is(list, TREE_ARRAY) || list->count < 1 || list->count > VALUES_MOST)
        return wrong_value(c, "Values and Counts have from 1 to 150 members.");
    for (const struct node *n = tree_child(&c->tree, list); n; n = tree_next(&c->tree, n))
        if (!good_number(n) || (counts && tree_number(n) <= 0))
            return wrong_value(c, "A value is a number within 2**360, a count is above 0.");
    return true;
}

static bool check_unique(struct call *c, const struct node *list)
{
    for (const struct node *a = tree_child(&c->tree, list); a; a = tree_next(&c->tree, a))
        for (const struct node *b = tree_next(&c->tree, a); b; b = tree_next(&c->tree, b))
            if (tree_number(a) >= tree_number(b) && tree_number(a) <= tree_number(b))
                return wrong_value(c, "Values are unique.");
    return true;
}

static bool check_values(struct call *c, const struct node *d)
{
    const struct node *value = tree_get(&c->tree, d, S("Value"));
    const struct node *values = tree_get(&c->tree, d, S("Values"));
    const struct node *counts = tree_get(&c->tree, d, S("Counts"));
    if ((value != NULL) == (values != NULL) || (counts && !values))
        return wrong(c, "InvalidParameterCombinationException",
                     "A datum has either Value or Values, and Counts only with Values.");
    if (value)
        return good_number(value) || wrong_value(c, "Value is a number within 2**360.");
    if (!check_list(c, values, false) || !check_unique(c, values))
        return false;
    if (!counts)
        return true;
    return check_list(c, counts, true) &&
           (counts->count == values->count || wrong_value(c, "As many Counts as Values."));
}

/* --- the key of a datum: JSON members, dimensions sorted by name */

static bool read_dimension(struct call *c, const struct node *n, struct buf *key)
{
    static const char *const members[] = {"Name", "Value", NULL};
    struct buf room = {0};
    struct str s = {0};
    bool good = known_members(&c->tree, n, members) &&
                text_of(tree_get(&c->tree, n, S("Name")), NAME_MOST, &room, &s) && s.ptr[0] != ':';
    buf_add_char(key, '"');
    text_add_json(key, s, NAME_MOST);
    buf_add(key, S("\":\""));
    good = good && text_of(tree_get(&c->tree, n, S("Value")), VALUE_MOST, &room, &s) &&
           s.ptr[0] != ':';
    text_add_json(key, s, VALUE_MOST);
    buf_add_char(key, '"');
    buf_fini(&room);
    return good || wrong_value(c, "A dimension has a Name and a Value of printable ASCII.");
}

static int by_text(const void *a, const void *b)
{
    const struct buf *x = a, *y = b;
    return str_cmp(buf_str(x), buf_str(y));
}

static bool add_dimensions(struct call *c, const struct node *list, struct buf *key)
{
    struct buf each[DIMENSIONS_MOST] = {0};
    size_t n = 0;
    bool good = !list || tree_is(list, TREE_ARRAY);
    for (const struct node *d = tree_child(&c->tree, list); d && good; d = tree_next(&c->tree, d)) {
        good = n < DIMENSIONS_MOST || wrong_value(c, "A datum has 30 dimensions at most.");
        good = good && read_dimension(c, d, &each[n++]);
    }
    qsort(each, n, sizeof *each, by_text);
    buf_add(key, S(",\"dimensions\":{"));
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_add_char(key, ',');
        buf_add(key, buf_str(&each[i]));
        buf_fini(&each[i]);
    }
    buf_add_char(key, '}');
    return good;
}

static bool make_key(struct call *c, struct str name_space, const struct node *d, struct buf *key)
{
    struct buf room = {0};
    struct str name = {0};
    const struct node *time = tree_get(&c->tree, d, S("Timestamp"));
    int64_t time_s = time ? (int64_t)tree_number(time) : world_auth_now_s(c->world) / 60 * 60;
    bool good = text_of(tree_get(&c->tree, d, S("MetricName")), NAME_MOST, &room, &name) ||
                wrong_value(c, "MetricName is printable ASCII of 255 bytes at most.");
    buf_clear(key);
    buf_add(key, S("\"namespace\":\""));
    text_add_json(key, name_space, NAME_MOST);
    buf_add(key, S("\",\"metric\":\""));
    text_add_json(key, name, NAME_MOST);
    buf_addf(key, "\",\"timestamp\":%lld", (long long)time_s);
    good = good && add_dimensions(c, tree_get(&c->tree, d, S("Dimensions")), key);
    buf_fini(&room);
    return good;
}

static bool check_datum(struct call *c, struct str name_space, const struct node *d,
                        struct buf *key)
{
    static const char *const members[] = {
        "MetricName", "Dimensions", "Timestamp",         "Value", "Values",
        "Counts",     "Unit",       "StorageResolution", NULL};
    const struct node *resolution = tree_get(&c->tree, d, S("StorageResolution"));
    if (!tree_is(d, TREE_OBJECT) || !known_members(&c->tree, d, members))
        return wrong(c, "SerializationException", "A datum has a member that is not known.");
    if (resolution && !str_eq(resolution->raw, S("1")) && !str_eq(resolution->raw, S("60")))
        return wrong_value(c, "StorageResolution is 1 or 60.");
    return check_time(c, tree_get(&c->tree, d, S("Timestamp"))) &&
           check_unit(c, tree_get(&c->tree, d, S("Unit"))) && check_values(c, d) &&
           make_key(c, name_space, d, key);
}

/* --- taking */

static void take_datum(struct call *c, const struct node *d, struct str key)
{
    struct metric_sum *s = metrics_find(&c->world->metrics, key);
    const struct node *value = tree_get(&c->tree, d, S("Value"));
    const struct node *unit = tree_get(&c->tree, d, S("Unit"));
    const struct node *v = tree_child(&c->tree, tree_get(&c->tree, d, S("Values")));
    const struct node *n = tree_child(&c->tree, tree_get(&c->tree, d, S("Counts")));
    metrics_add_datum(s, unit ? unit->raw : S("None"));
    if (value)
        metrics_add_value(s, tree_number(value), 1);
    for (; v; v = tree_next(&c->tree, v)) {
        metrics_add_value(s, tree_number(v), n ? tree_number(n) : 1);
        n = n ? tree_next(&c->tree, n) : NULL;
    }
}

static bool take_all(struct call *c, struct str name_space, const struct node *list)
{
    struct buf key = {0};
    bool good = true;
    const struct node *first = tree_child(&c->tree, list);
    for (const struct node *d = first; d && good; d = tree_next(&c->tree, d))
        good = check_datum(c, name_space, d, &key);
    for (const struct node *d = first; d && good; d = tree_next(&c->tree, d)) {
        (void)make_key(c, name_space, d, &key);
        pthread_mutex_lock(&c->world->lock);
        take_datum(c, d, buf_str(&key));
        c->world->metrics.calls += d == first;
        pthread_mutex_unlock(&c->world->lock);
    }
    buf_fini(&key);
    return good;
}

static bool put(struct call *c)
{
    static const char *const members[] = {"Namespace", "MetricData", NULL};
    const struct node *root = tree_root(&c->tree);
    const struct node *list = tree_get(&c->tree, root, S("MetricData"));
    struct buf room = {0};
    struct str name_space;
    bool good = text_of(tree_get(&c->tree, root, S("Namespace")), NAME_MOST, &room, &name_space) &&
                name_space.ptr[0] != ':' && !str_starts(name_space, S("AWS/"));
    if (!good)
        good = wrong_value(c, "Namespace is printable ASCII, and does not begin with AWS/ or ':'.");
    else if (!known_members(&c->tree, root, members))
        good = wrong(c, "SerializationException", "There is a member that is not known.");
    else if (!tree_is(list, TREE_ARRAY) || list->count < 1)
        good = wrong(c, "MissingRequiredParameterException", "MetricData is missing.");
    else if (list->count > DATA_MOST)
        good = wrong_value(c, "MetricData has 1000 members at most.");
    else
        good = take_all(c, name_space, list);
    buf_fini(&room);
    return good;
}

bool op_put_metrics(struct call *c)
{
    struct str target = fields_get(c->ask->fields, S("x-amz-target"));
    struct buf unpacked = {0};
    if (!str_eq(target, S("GraniteServiceVersion20100801.PutMetricData")))
        return refusal_set(&c->refusal, 404, "UnknownOperationException",
                           "Here is only GraniteServiceVersion20100801.PutMetricData.");
    bool good = take_body(c, &unpacked) && put(c);
    buf_fini(&unpacked);
    if (good)
        reply_field(&c->out->reply, S("content-type"), S("application/x-amz-json-1.0"));
    return good;
}
