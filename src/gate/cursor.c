/* SPDX-License-Identifier: Apache-2.0
 *
 * The steps of telling. The rule of each: what must not happen twice is noted before it happens,
 * and what happened is noted before the next thing does.
 */
#include "weir/gate/cursor.h"

#include "weir/book/store.h"

#include <assert.h>
#include <string.h>

enum { ROW_VERSION = 1 };

static enum cursor_act note(struct cursor *c, enum cursor_phase phase)
{
    c->phase = phase;
    return CURSOR_NOTE;
}

static void next_minute(struct cursor *c)
{
    c->row = (struct cursor_row){.minute = c->row.minute + 1};
    c->parted = false;
}

static void next_part(struct cursor *c)
{
    c->row.attempted = false;
    c->row.part++;
    if (c->parted && c->row.part >= c->parts)
        next_minute(c);
}

static bool skip_old(struct cursor *c, uint32_t now)
{
    if (now <= CURSOR_BACK_MINUTES || c->row.minute >= now - CURSOR_BACK_MINUTES)
        return false;
    c->counts.skipped += now - CURSOR_BACK_MINUTES - c->row.minute;
    c->row = (struct cursor_row){.minute = now - CURSOR_BACK_MINUTES};
    c->parted = false;
    return true;
}

/* The clock was set back, far: what it said before does not come again so soon. */
static bool come_back(struct cursor *c, uint32_t now)
{
    if (c->row.minute <= now + CURSOR_AHEAD_MINUTES)
        return false;
    c->counts.skipped++;
    c->row = (struct cursor_row){.minute = now};
    c->parted = false;
    c->open = 0;
    return true;
}

/* What is next, with nothing under way. */
static enum cursor_act look(struct cursor *c, uint32_t now)
{
    c->phase = CURSOR_IDLE;
    if (skip_old(c, now) || come_back(c, now))
        return note(c, CURSOR_NOTING_OUTCOME);
    if (c->row.minute >= now)
        return CURSOR_WAIT;
    if (c->open <= c->row.minute) {
        c->phase = CURSOR_CLOSING;
        c->aim = now;
        return CURSOR_CLOSE;
    }
    if (!c->parted) {
        c->phase = CURSOR_READING;
        return CURSOR_READ;
    }
    c->row.attempted = true;
    return note(c, CURSOR_NOTING_ATTEMPT);
}

enum cursor_act cursor_begin(struct cursor *c, const struct cursor_row *row, uint32_t now)
{
    *c = (struct cursor){.row = {.minute = now}};
    if (!row)
        return note(c, CURSOR_NOTING_OUTCOME);
    c->row = *row;
    if (!row->attempted)
        return look(c, now);
    c->counts.unknown++;
    next_part(c);
    return note(c, CURSOR_NOTING_OUTCOME);
}

enum cursor_act cursor_read(struct cursor *c, uint32_t parts, uint64_t plan, uint32_t now)
{
    assert(c->phase == CURSOR_READING);
    c->parts = parts;
    c->parted = true;
    if (c->row.part && c->row.plan != plan) {
        c->counts.hopeless++; /* what is left of it cannot be told from what was told */
        next_minute(c);
    } else if (c->row.part >= parts) {
        next_minute(c);
    } else {
        c->row.plan = plan;
    }
    return look(c, now);
}

static enum cursor_act outcome(struct cursor *c, enum cursor_event e)
{
    if (e == CURSOR_REFUSED) {
        c->counts.refused++;
        c->row.attempted = false;
        return note(c, CURSOR_NOTING_TROUBLE);
    }
    if (e == CURSOR_TOLD)
        c->counts.told++;
    else if (e == CURSOR_HOPELESS)
        c->counts.hopeless++;
    else
        c->counts.unknown++;
    next_part(c);
    return note(c, e == CURSOR_UNKNOWN ? CURSOR_NOTING_TROUBLE : CURSOR_NOTING_OUTCOME);
}

static enum cursor_act noted(struct cursor *c, uint32_t now)
{
    if (c->phase == CURSOR_NOTING_ATTEMPT) {
        c->phase = CURSOR_SENDING;
        return CURSOR_SEND;
    }
    if (c->phase != CURSOR_NOTING_TROUBLE)
        return look(c, now);
    c->phase = CURSOR_RESTING;
    return CURSOR_WAIT;
}

/* Time has passed: what failed is done again, a part that was refused is sent again. */
static enum cursor_act woke(struct cursor *c, uint32_t now)
{
    switch (c->phase) {
    case CURSOR_IDLE:
    case CURSOR_CLOSING:
    case CURSOR_READING:
    case CURSOR_RESTING:
        return look(c, now);
    case CURSOR_NOTING_ATTEMPT:
    case CURSOR_NOTING_OUTCOME:
    case CURSOR_NOTING_TROUBLE:
        return CURSOR_NOTE;
    case CURSOR_SENDING:
        break;
    }
    return CURSOR_WAIT;
}

enum cursor_act cursor_step(struct cursor *c, enum cursor_event e, uint32_t now)
{
    switch (e) {
    case CURSOR_WOKE:
        return woke(c, now);
    case CURSOR_CLOSED:
        c->open = c->aim;
        return look(c, now);
    case CURSOR_NOTED:
        return noted(c, now);
    case CURSOR_FAILED:
        return CURSOR_WAIT;
    case CURSOR_TOLD:
    case CURSOR_REFUSED:
    case CURSOR_HOPELESS:
    case CURSOR_UNKNOWN:
        assert(c->phase == CURSOR_SENDING);
        return outcome(c, e);
    }
    return CURSOR_WAIT;
}

void cursor_forget(struct cursor *c)
{
    assert(c->phase == CURSOR_IDLE || c->phase == CURSOR_RESTING);
    c->parted = false;
    c->phase = CURSOR_IDLE;
}

/* --- on the disk: version, attempted, minute, part, plan */

void cursor_row_write(const struct cursor_row *row, unsigned char out[CURSOR_ROW_BYTES])
{
    out[0] = ROW_VERSION;
    out[1] = row->attempted;
    store_put_u32(out + 2, row->minute);
    store_put_u32(out + 6, row->part);
    store_put_u64(out + 10, row->plan);
}

bool cursor_row_read(struct str bytes, struct cursor_row *out)
{
    if (bytes.len != CURSOR_ROW_BYTES || bytes.ptr[0] != ROW_VERSION ||
        (bytes.ptr[1] != 0 && bytes.ptr[1] != 1))
        return false;
    *out = (struct cursor_row){.minute = store_get_u32(bytes.ptr + 2),
                               .part = store_get_u32(bytes.ptr + 6),
                               .plan = store_get_u64(bytes.ptr + 10),
                               .attempted = bytes.ptr[1]};
    return true;
}
