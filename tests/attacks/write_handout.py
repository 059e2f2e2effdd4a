"""Changes the handout and the reference."""


def attack(places):
    open(places['root'] + '/reference/neuralnet/layers.py', 'a').write('x')
    open(places['root'] + '/student/neuralnet/classifier.py', 'a').write('x')
