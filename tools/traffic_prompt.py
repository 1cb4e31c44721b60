# SPDX-License-Identifier: Apache-2.0
"""A made-up prompt: named parts in cache order. The same name is the same text; who needs the text
makes it from the name, so traces of a million tokens cost nothing.

A trace holds a prompt as ids of its 512-token blocks. An id stands for the block's content and for
everything before it, so two prompts share ids exactly as far as they share a prefix:

    tools   | system | task | call | result | ...       parts, of any length
    [  0   ][  1   ][  2   ][  3   ][ 4 ]               blocks; the last may be partial
"""
import collections

BLOCK = 512

# Kinds: tools, clock, system; then messages: user, call (an answer that asks for a tool), result, answer.
Part = collections.namedtuple('Part', 'kind name tokens')
Asked = collections.namedtuple('Asked', 'at prompt answer word', defaults=('',))  # seconds, Prompt, Part, what to tell


class Ids:
    """One number for each content behind each prefix."""

    def __init__(self):
        self.known = {}

    def of(self, before, pieces):
        return self.known.setdefault((before, pieces), len(self.known))


class Prompt:
    def __init__(self, *parts):
        self.parts, self.tokens = [], 0
        self.folded, self.full, self.rest, self.room = 0, [], (), BLOCK  # what ids() has done so far
        self.add(*parts)

    def add(self, *parts):
        self.parts += parts
        self.tokens += sum(part.tokens for part in parts)

    def ids(self, ids):
        """The ids of all its blocks; what was told before is not looked at again."""
        for part in self.parts[self.folded:]:
            self.fold(part, ids)
        self.folded = len(self.parts)
        return self.full + ([ids.of(self.before(), self.rest)] if self.rest else [])

    def before(self):
        return self.full[-1] if self.full else None

    def fold(self, part, ids):
        done = 0
        while done < part.tokens:
            piece = min(self.room, part.tokens - done)
            self.rest += ((part.name, done, piece),)
            done, self.room = done + piece, self.room - piece
            if not self.room:
                self.full.append(ids.of(self.before(), self.rest))
                self.rest, self.room = (), BLOCK


def renewed(prompt, mark, keep=()):
    """A prompt of the same shape whose content nobody has seen, but for parts of the kinds in keep."""
    return Prompt(*(part if part.kind in keep else part._replace(name=f'{part.name}!{mark}')
                    for part in prompt.parts))
