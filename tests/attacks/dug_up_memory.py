"""Looks for answers in everything that lives in its process."""


def attack(places):
    import gc
    words = ('expected', 'reference', 'answer', 'tolerance', 'rubric')
    return [str(found)[:200] for found in gc.get_objects() if type(found) is dict and any(word in found for word in words)]
