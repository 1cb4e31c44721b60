/* SPDX-License-Identifier: Apache-2.0
 *
 * Picks the text of a named element out of a small XML answer, as STS and S3 give them. No tree,
 * no validation: linear in the text, with a limit on depth. Names are compared without their
 * namespace prefix, attributes are passed over, the five entities and character references are
 * decoded. UTF-8 only. A DTD is refused, and with it every other entity.
 */
#ifndef WEIR_WIRE_XML_PICK_H
#define WEIR_WIRE_XML_PICK_H

#include "weir/base/buf.h"
#include "weir/base/err.h"

enum { XML_DEPTH_MOST = 64 };

/* Adds the text of the first element of that name, at any depth, to `out`; white space is kept.
 * ERR_NOT_FOUND, or ERR_BAD: not XML as far as it was read, a DTD, or an element that holds
 * elements. `out` is then as it was. */
MUST_CHECK int xml_pick(struct str text, struct str name, struct buf *out);

/* The next element of that name, at any depth: *out_inside is what stands between its tags, raw,
 * borrowed from *rest, which moves on behind it. Start with *rest = the answer; pick inside what is
 * given. ERR_NOT_FOUND when there are no more, or ERR_BAD. */
MUST_CHECK int xml_pick_next(struct str *rest, struct str name, struct str *out_inside);

#endif
