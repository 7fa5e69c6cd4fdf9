import re
from pathlib import Path

from odoo.tests import tagged

from .common import HstylePointsCommon

GUIDE = Path(__file__).parents[1] / "readme" / "EXTEND.md"


@tagged("post_install", "-at_install")
class TestExtend(HstylePointsCommon):
    def test_examples_of_the_guide(self):
        """All of them run, one after the other; classes are only shown."""
        blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
        examples = [block for block in blocks if not block.startswith("class ")]
        self.assertGreaterEqual(len(examples), 5)
        names = {
            "env": self.env,
            "partner": self.partner,
            "program": self.program,
            "manager": self.manager,
        }
        for example in examples:
            with self.subTest(example):
                exec(compile(example, str(GUIDE), "exec"), names)
