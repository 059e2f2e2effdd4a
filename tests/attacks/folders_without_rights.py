"""Makes folders that nobody may enter."""


def attack(places):
    import os
    os.makedirs('a/b')
    open('a/b/file', 'w').close()
    os.mkdir('c', 0)
    os.chmod('a', 0)
