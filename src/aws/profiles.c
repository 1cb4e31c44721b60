/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the two files, config first, so that what the credentials file says wins. They differ in
 * how a section is named: "[profile x]" or "[default]" in the one, "[x]" in the other; the config
 * file also holds "[sso-session x]", and kinds of sections that are not for us.
 *
 * Rules: AWS SDKs and Tools Reference Guide, "shared config and credentials files", read November
 * 2026.
 */
#include "profiles.h"

#include "weir/base/digest.h"
#include "weir/base/file.h"
#include "weir/base/mem.h"
#include "weir/wire/ini.h"

#include <stdio.h>

enum { NAMES_MOST_BYTES = 1 << 20 };

static struct str unquoted(struct str s)
{
    if (s.len >= 2 && (*s.ptr == '"' || *s.ptr == '\'') && s.ptr[s.len - 1] == *s.ptr)
        return str_sub(s, 1, s.len - 2);
    return s;
}

/* "profile x" with any blanks between: the name; {NULL, 0} when the word is another. */
static struct str name_after(struct str section, struct str word)
{
    struct str rest = str_from_offset(section, word.len);
    if (!str_starts(section, word) || !rest.len || (*rest.ptr != ' ' && *rest.ptr != '\t'))
        return (struct str){NULL, 0};
    return unquoted(str_trim(rest));
}

/* What a section of the file is about; name.ptr NULL: nothing of ours. */
static struct setting section_of(struct str section, bool config)
{
    if (!config)
        return (struct setting){.kind = PROFILE, .name = section};
    if (str_eq(section, S("default")))
        return (struct setting){.kind = PROFILE, .name = section, .config = true, .plain = true};
    struct str name = name_after(section, S("profile"));
    if (name.ptr)
        return (struct setting){.kind = PROFILE, .name = name, .config = true};
    name = name_after(section, S("sso-session"));
    return (struct setting){.kind = SSO_SESSION, .name = name, .config = true};
}

static struct str lower(struct arena *a, struct str s)
{
    struct str copy = arena_dup(a, s);
    for (size_t i = 0; i < copy.len; i++)
        if (copy.ptr[i] >= 'A' && copy.ptr[i] <= 'Z')
            ((char *)copy.ptr)[i] = (char)(copy.ptr[i] + 32);
    return copy;
}

static void add(struct profiles *p, struct setting s)
{
    if (p->n == p->room) {
        p->room = p->room ? p->room * 2 : 64;
        p->all = mem_grow(p->all, p->room * sizeof *p->all);
    }
    p->all[p->n++] = s;
}

static int parse(struct profiles *p, struct str text, const char *path, bool config, char *err,
                 size_t err_size)
{
    struct ini i;
    struct ini_entry e;
    int rc;
    ini_begin(&i, text);
    while ((rc = ini_next(&i, &e)) == 1) {
        struct setting s = section_of(e.section, config);
        if (!s.name.ptr || e.nested)
            continue;
        s.key = lower(&p->arena, e.key);
        s.value = e.value;
        s.path = path;
        s.line = e.line;
        add(p, s);
    }
    if (rc == 0 && !p->arena.full)
        return 0;
    snprintf(err, err_size, "%s:%u: %s", path, i.line, rc ? i.fault : "too many settings");
    return ERR_BAD;
}

static int load_one(struct profiles *p, const struct creds_tools *t, bool config, char *err,
                    size_t err_size)
{
    struct str named = creds_env(t, config ? "AWS_CONFIG_FILE" : "AWS_SHARED_CREDENTIALS_FILE");
    struct str usual = config ? S("~/.aws/config") : S("~/.aws/credentials");
    const char *path = creds_path(t, &p->arena, named.len ? named : usual).ptr;
    struct buf *text = &p->texts[config ? 0 : 1];
    if (!path)
        return 0; /* no home, so no file */
    int rc = file_read(path, FILE_MOST_BYTES, text, err, err_size);
    if (rc == ERR_NOT_FOUND) {
        err[0] = 0;
        return 0;
    }
    return rc ? ERR_BAD : parse(p, buf_str(text), path, config, err, err_size);
}

int profiles_load(struct profiles *p, const struct creds_tools *t, char *err, size_t err_size)
{
    *p = (struct profiles){0};
    arena_init(&p->arena, NAMES_MOST_BYTES);
    int rc = load_one(p, t, true, err, err_size);
    return rc ? rc : load_one(p, t, false, err, err_size);
}

void profiles_fini(struct profiles *p)
{
    for (size_t i = 0; i < sizeof p->texts / sizeof *p->texts; i++) {
        if (p->texts[i].data)
            secret_wipe(p->texts[i].data, p->texts[i].cap);
        buf_fini(&p->texts[i]);
    }
    mem_free(p->all);
    arena_fini(&p->arena);
}

static bool is(const struct setting *s, enum profile_kind kind, struct str name)
{
    return s->kind == kind && str_eq(s->name, name);
}

bool profiles_have(const struct profiles *p, enum profile_kind kind, struct str name)
{
    for (size_t i = 0; i < p->n; i++)
        if (is(&p->all[i], kind, name))
            return true;
    return false;
}

const struct setting *profiles_find(const struct profiles *p, enum profile_kind kind,
                                    struct str name, const char *key)
{
    const struct setting *found = NULL;
    for (size_t i = 0; i < p->n; i++) {
        const struct setting *s = &p->all[i];
        if (is(s, kind, name) && str_eq(s->key, str_of(key)) &&
            !(s->plain && found && !found->plain))
            found = s;
    }
    return found && found->value.len ? found : NULL;
}

struct str profiles_get(const struct profiles *p, enum profile_kind kind, struct str name,
                        const char *key)
{
    const struct setting *s = profiles_find(p, kind, name, key);
    return s ? s->value : (struct str){NULL, 0};
}
