"""What check_kernel.py runs, in both languages; each text is formatted before it is run."""

TYPESCRIPT = {
    "name": "typescript",
    "import": "import {{ tensor, train }} from '../src';",
    "trivial": "1 + 1",
    "flood": "for (let i = 0; i < {n}; i++) console.log('line ' + i);",
    "blocked": "console.log('before');\nAtomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, {s} * 1000);",
    "state": "let turns = 0;\nlet kept = 41;\nconst page = (globalThis as any)[Symbol.for('diffusion-dpo.notebook')];",
    "turns": "console.log(turns)",
    "kept": "kept + 1",
    "async loop": "for (;;) {{ await new Promise((r) => setImmediate(r)); {step} }}",
    "step": "turns++; if (turns === 3) console.log('go');",
    "polling loop": "while (!page.signal.aborted) {{ {step} }}",
    "plain loop": "turns = 0; while (true) {{ {step} }}",
    "timer": "console.log('go'); await new Promise((r) => setTimeout(r, 60_000)); turns = -1;",
    "fetch": "import {{ createServer }} from 'node:http';\nconst server = createServer(() => undefined).listen(0);\n"
    "console.log('go'); try {{ await fetch('http://127.0.0.1:' + (server.address() as any).port); }} finally {{ server.close(); }}",
    "background": "setTimeout(() => console.log('from behind'), 300);",
    "wait": "await new Promise((r) => setTimeout(r, 800));",
    "error": "const deep = (x: number) => {{\n  if (x > 0) throw new RangeError('too large');\n}};\ndeep(1);",
    "error line": r"> 2 \|",
    "display": "page.display({{ 'text/html': '<b>1</b>', 'text/plain': 'one' }}, {{ displayId: 'd', metadata: {{ a: 1 }} }});\n"
    "page.update('d', {{ 'text/plain': 'two' }});\npage.clear('next');",
    "fail": "throw new Error('stop')",
}
PYTHON = {
    "name": "python3",
    "import": "import json",
    "trivial": "1 + 1",
    "flood": "for i in range({n}): print('line', i)",
    "blocked": "import ctypes\nprint('before', flush=True)\nctypes.PyDLL(None).sleep({s})",  # PyDLL keeps the lock
    "state": "import asyncio, time\nturns = 0\nkept = 41",
    "turns": "print(turns)",
    "kept": "kept + 1",
    "async loop": "while True:\n    await asyncio.sleep(0)\n    {step}",
    "step": "turns += 1; turns == 3 and print('go', flush=True)",
    "polling loop": "while True:\n    {step}",
    "plain loop": "turns = 0\nwhile True:\n    {step}",
    "timer": "print('go', flush=True)\nawait asyncio.sleep(60)\nturns = -1",
    "fetch": "import socket\nprint('go', flush=True)\ns = socket.create_server(('127.0.0.1', 0)); s.accept()",
    "background": "import threading\nthreading.Timer(0.3, lambda: print('from behind')).start()",
    "wait": "time.sleep(0.8)",
    "error": "def deep(x):\n    if x > 0: raise ValueError('too large')\ndeep(1)",
    "error line": r"2\S* .*if",
    "display": "from IPython.display import clear_output, display, publish_display_data\n"
    "h = publish_display_data({{'text/html': '<b>1</b>', 'text/plain': 'one'}}, {{'a': 1}}, transient={{'display_id': 'd'}})\n"
    "publish_display_data({{'text/plain': 'two'}}, transient={{'display_id': 'd'}}, update=True)\nclear_output(wait=True)",
    "fail": "1 / 0",
}
