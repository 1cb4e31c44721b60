/* SPDX-License-Identifier: Apache-2.0
 *
 * The INI scanner, line by line. Indentation is told as Python's configparser does: a line is
 * nested when it stands deeper than the last key did, so that a file that indents all its keys
 * alike reads as meant. Comments end values as in AWS's own parsers: "#" or ";" at the start of a
 * line, or behind a blank.
 */
#include "weir/wire/ini.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

void ini_begin(struct ini *i, struct str text)
{
    *i = (struct ini){.rest = text};
    if (str_starts(text, S("\xef\xbb\xbf")))
        i->rest = str_from_offset(text, 3);
}

static int bad(struct ini *i, const char *sentence)
{
    i->fault = sentence;
    return ERR_BAD;
}

static bool has_control(struct str s)
{
    for (size_t n = 0; n < s.len; n++) {
        unsigned char c = (unsigned char)s.ptr[n];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

static struct str next_line(struct ini *i)
{
    struct str line = str_cut(&i->rest, '\n');
    i->line++;
    if (line.len && line.ptr[line.len - 1] == '\r')
        line.len--;
    return line;
}

static struct str without_comment(struct str s)
{
    for (size_t n = 0; n < s.len; n++)
        if ((s.ptr[n] == '#' || s.ptr[n] == ';') && (n == 0 || is_blank(s.ptr[n - 1])))
            return str_trim(str_sub(s, 0, n));
    return str_trim(s);
}

/* `s` begins with '['. */
static int section_line(struct ini *i, struct str s, struct ini_entry *out)
{
    ptrdiff_t end = str_chr(s, ']');
    if (end < 0)
        return bad(i, "a section without its closing ]");
    if (without_comment(str_from_offset(s, (size_t)end + 1)).len)
        return bad(i, "something stands behind the ] of a section");
    i->section = str_trim(str_sub(s, 1, (size_t)end - 1));
    if (i->section.len == 0)
        return bad(i, "a section without a name");
    i->in_section = true;
    i->has_key = false;
    *out = (struct ini_entry){.section = i->section, .line = i->line};
    return 1;
}

static int key_line(struct ini *i, struct str s, size_t indent, struct ini_entry *out)
{
    struct ini_entry e = {.section = i->section, .line = i->line};
    e.nested = i->has_key && indent > i->indent;
    ptrdiff_t equals = str_chr(s, '=');
    if (!i->in_section)
        return bad(i, "a setting before the first [section]");
    if (equals < 0 && !e.nested)
        return bad(i, "neither a [section] nor a setting (key = value)");
    e.key = equals < 0 ? S("") : str_trim(str_sub(s, 0, (size_t)equals));
    e.value = equals < 0 ? s : without_comment(str_from_offset(s, (size_t)equals + 1));
    if (equals == 0)
        return bad(i, "a setting without a name before its =");
    if (!e.nested)
        i->indent = indent;
    i->has_key = true;
    *out = e;
    return 1;
}

int ini_next(struct ini *i, struct ini_entry *out)
{
    if (i->fault)
        return ERR_BAD;
    while (i->rest.len) {
        struct str line = next_line(i);
        size_t indent = 0;
        if (has_control(line))
            return bad(i, "a control byte: this is not a text file");
        while (indent < line.len && is_blank(line.ptr[indent]))
            indent++;
        struct str s = str_trim(line);
        if (s.len == 0 || *s.ptr == '#' || *s.ptr == ';')
            continue;
        if (*s.ptr == '[' && !(i->has_key && indent > i->indent))
            return section_line(i, s, out);
        return key_line(i, s, indent, out);
    }
    return 0;
}
