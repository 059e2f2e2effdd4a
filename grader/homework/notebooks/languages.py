"""Words of other languages for what a notebook prints and plots -> the English ones, which the other modules look for.

If a word is missing here, it costs nothing: a person is asked what the number or the plot shows.
"""

from __future__ import annotations

import re

# Letters with accents also without, as in names of variables; but "precision" is another measure in English.
WORDS = {
    "accuracy": "genauigkeit|précision|exactitude?|precisión|acur[aá]cia|do[gğ]rulu[kğg]|nauwkeurigheid|noggrannhet"
    "|dok[lł]adno[sś][cć]|akurasi|точност|准确率|準確率|准确度|正确率|正確率|正解率|正答率|精度|정확도|độ chính xác"
    "|الدقة",
    "test": "prueba|prüf|тест|测试|測試|テスト|테스트|kiểm tra|اختبار",
    "validation": "validaci[oó]n|valida[cç][aã]o|validazione|validierung|validatie|validering|do[gğ]rulama"
    "|валид|验证|驗證|検証|검증",
    "training": "entrenamiento|entra[iî]nement|apprentissage|treinamento|treino|addestramento|e[gğ]itim|обуч|трениров"
    "|训练|訓練|学習|학습|훈련|huấn luyện|التدريب",
    "correct": "richtig|korrekt|bien class[eé]|aciertos|corretas?|верно|правильн|正しい",
    "loss": "verlust|\\bperte|p[eé]rdida|\\bperda|perdita|kay[iı]p|потер|损失|損失|손실",
}
FOREIGN = re.compile("|".join(f"(?P<{word}>{others})" for word, others in WORDS.items()), re.IGNORECASE)


def in_english(text: str) -> str:
    """A text or code with the words that are known here in English, set off by what may stand in a name, too."""
    return FOREIGN.sub(lambda match: f"_{match.lastgroup}_", text)
