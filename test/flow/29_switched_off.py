# SPDX-License-Identifier: Apache-2.0
"""With `x-weir: off` a request is only signed and carried; the switch itself stays here."""
from weirflow import Story, ask, converse, equal, model_path, same_answer

with Story() as s:
    weir = s.weir()
    on = ask(weir.url, model_path('converse'), converse())
    off = ask(weir.url, model_path('converse'), converse(), {'x-weir': 'off'})
    same_answer(on, off)
    names = {name.lower() for name, _ in s.sim.last()['headers']}
    equal({n for n in names if n.startswith('x-weir')}, set(), 'fields at the simulator')
