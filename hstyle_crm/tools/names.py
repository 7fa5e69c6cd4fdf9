"""What a stranger may read of somebody's name."""

import re

#: Chinese family names of two characters that are still common.
_LONG = {
    *("欧阳", "司马", "上官", "诸葛", "司徒", "夏侯", "皇甫", "尉迟", "公孙", "慕容"),
    *("令狐", "长孙", "宇文", "东方", "南宫", "歐陽", "司馬", "諸葛", "長孫", "東方"),
}
_CHINESE = re.compile(r"[\u3400-\u9fff]{2,4}")


def get_first_name(name):
    """Return the first name in a full name; "" if it may be an address or number.

    "Mei Wang" → "Mei", "王小美" → "小美", "欧阳娜" → "娜".
    """
    words = (name or "").split()
    if not words or re.search(r"[@\d]", name):
        return ""
    if len(words) == 1 and _CHINESE.fullmatch(name.strip()):
        family = 2 if words[0][:2] in _LONG and len(words[0]) > 2 else 1
        return words[0][family:]
    return words[0]
