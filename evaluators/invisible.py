"""Characters that are drawn as nothing although they are letters or marks: in them a text can carry another, unseen.

Controls, bidi and zero-width characters are told by their category. These are not: the rest of what Unicode calls
default ignorable. Variation selectors alone can spell any bytes behind a visible character.

Source: Unicode 15.0, DerivedCoreProperties, Default_Ignorable_Code_Point, without the categories Cf and Cn.
"""

from __future__ import annotations

import re

UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
