"""The suite that Jupyter offers to kernels, with samples in TypeScript."""

import io
import unittest

import jupyter_kernel_test
from kernel_cells import TYPESCRIPT


def suite(code, _):
    if code is not TYPESCRIPT:
        return "-", True

    class Suite(jupyter_kernel_test.KernelTests):
        kernel_name = "typescript"
        language_name = "typescript"
        file_extension = ".ts"
        code_hello_world = "console.log('hello, world')"
        code_stderr = "console.error('test')"
        complete_code_samples = ["1", "const x = 2;", "function f(x: number) {\n  return 2 * x;\n}"]
        incomplete_code_samples = ["console.log('a'", "function f(x: number) {"]
        completion_samples = [{"text": "Math.hyp", "matches": {"hypot"}}]
        code_execute_result = [{"code": "6 * 7", "result": "42"}, {"code": "1+2", "result": "3"}]
        code_display_data = [
            {"code": f"{TYPESCRIPT['state']}\npage.display({{ '{mime}': 'x' }})", "mime": mime}
            for mime in ("text/html", "image/svg+xml")
        ]
        code_generate_error = "throw new Error('test')"
        code_inspect_sample = "Math"
        code_clear_output = f"{TYPESCRIPT['state']}\npage.clear('now')"
        code_history_pattern = "1?2*"
        supported_history_operations = ("tail", "range", "search")

    tests = unittest.defaultTestLoader.loadTestsFromTestCase(Suite)
    log = io.StringIO()
    result = unittest.TextTestRunner(stream=log).run(tests)
    failed = [str(test).split()[0] for test, _ in result.failures + result.errors]
    if failed:
        print(log.getvalue())
    skipped = f", {len(result.skipped)} skipped" if result.skipped else ""
    figure = f"{result.testsRun - len(failed)} of {result.testsRun} pass{skipped}"
    return figure + (f": {', '.join(failed)}" if failed else ""), not failed
