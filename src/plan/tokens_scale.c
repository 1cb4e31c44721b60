/* SPDX-License-Identifier: Apache-2.0
 *
 * The factor is a mean of the first ten ratios, then one that forgets: a tenth of it is new each
 * time. A ratio that is far off (by half, or by three times the usual error) is an outlier and
 * changes nothing, unless it is the third in a row on its side: then the traffic is another one,
 * and the mean begins anew with it.
 */
#include "weir/base/buf.h"
#include "weir/base/digest.h"
#include "weir/plan/tokens.h"

#include <math.h>
#include <string.h>

enum { OUTLIERS = 3, FORGETS = 10 };
static const float factor_most = 16, far_least = 0.5F, far_errors = 3;
static const uint16_t version = 0x5301;

static float limited(float f, float least, float most)
{
    return f < least ? least : f > most ? most : f;
}

/* By how much of the difference a mean of so many moves. */
static float share(uint32_t times)
{
    return 1 / (float)(times < FORGETS ? times + 1 : FORGETS);
}

static float factor_of(const struct tokens_scale *s)
{
    return s->factor > 0 ? s->factor : 1;
}

/* Above, below, or zero: not far. */
static int side_of(const struct tokens_scale *s, float ratio)
{
    float by = ratio / s->factor, far = 1 + limited(far_errors * s->error, far_least, factor_most);
    return by > far ? 1 : by < 1 / far ? -1 : 0;
}

/* True: it is to be believed. */
static bool judge(struct tokens_scale *s, float ratio)
{
    int side = side_of(s, ratio);
    bool same = side != 0 && (s->apart > 0) == (side > 0) && s->apart != 0;
    s->apart = same ? s->apart + side : side;
    if (s->apart < OUTLIERS && s->apart > -OUTLIERS)
        return side == 0;
    s->apart = 0;
    s->times = 0;
    return true;
}

void tokens_scale_learn(struct tokens_scale *s, uint64_t estimated, uint64_t reported)
{
    if (estimated < TOKENS_SCALE_LEAST || reported == 0)
        return;
    float ratio = (float)reported / (float)estimated;
    float error = limited(fabsf(factor_of(s) / ratio - 1), 0, 1);
    ratio = limited(ratio, 1 / factor_most, factor_most);
    s->error += (error - s->error) * share(s->times);
    if (s->times > 0 && !judge(s, ratio))
        return;
    s->factor += (ratio - s->factor) * share(s->times);
    s->times += s->times < UINT32_MAX;
}

uint32_t tokens_scaled(const struct tokens_scale *s, uint64_t estimated)
{
    double n = (double)estimated * (double)factor_of(s) + 0.5;
    return n < (double)UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

/* --- rows: version, checksum, the struct; of this machine, as the rows of the index are */

void tokens_scale_write(const struct tokens_scale *s, struct buf *out)
{
    struct str bytes = {(const char *)s, sizeof *s};
    uint32_t crc = crc32_add(0, bytes);
    buf_add(out, str_from((const char *)&version, sizeof version));
    buf_add(out, str_from((const char *)&crc, sizeof crc));
    buf_add(out, bytes);
}

int tokens_scale_read(struct str bytes, struct tokens_scale *out)
{
    struct tokens_scale s;
    uint32_t crc;
    if (bytes.len != sizeof version + sizeof crc + sizeof s ||
        memcmp(bytes.ptr, &version, sizeof version) != 0)
        return ERR_BAD;
    memcpy(&crc, bytes.ptr + sizeof version, sizeof crc);
    bytes = str_from_offset(bytes, sizeof version + sizeof crc);
    if (crc32_add(0, bytes) != crc)
        return ERR_BAD;
    memcpy(&s, bytes.ptr, sizeof s);
    if (!(s.factor >= 0 && s.factor <= factor_most) || !(s.error >= 0 && s.error <= 1) ||
        (s.factor > 0) != (s.times > 0) || s.apart >= OUTLIERS || s.apart <= -OUTLIERS)
        return ERR_BAD;
    *out = s;
    return 0;
}
