"""What saved outputs state of accuracies, and of which set."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from grader.homework.notebooks import claimed_accuracy, notebook


def made(source: str, text: str) -> notebook.Notebook:
    """A notebook of one cell that has printed something."""
    output = {"output_type": "stream", "name": "stdout", "text": text}
    cell = {"cell_type": "code", "source": source, "metadata": {}, "execution_count": 1, "outputs": [output]}
    document = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    return notebook.read(json.dumps(document).encode(), "part1.ipynb")


@pytest.mark.parametrize(
    ("source", "text", "accuracy"),
    [
        ("evaluate(model, testloader)", "Evaluation accuracy: 0.8712", 0.8712),
        ("evaluate(model, loader)", "Evaluation accuracy: 0.8712", None),
        ("x", "Test Accuracy of the model: 87.12 %", 0.8712),
        ("x", "test acc = 87.12%", 0.8712),
        ("x", "Accuracy of the network on the 10000 test images: 88 %", 0.88),
        ("test(model)", "Accuracy: 8712/10000 (87%)", 0.87),
        ("x", "train acc 0.95, test acc 0.81", 0.81),
        ("x", "test acc 0.81, train acc 0.95", 0.81),
        ("x", "test accuracy after 10 epochs: 0.81", 0.81),
        ("x", "Epoch 3: val acc 0.9", None),
        ("x", "test accuracy 0.80\ntest accuracy 0.81", 0.81),
        ("x", "Test set:\nval accuracy 0.9", 0.9),
        ("x", "test accuracy: 870", None),
        ("x", "test_acc 1.0", 1.0),
        ("x", "Test: 0.9051", 0.9051),
        ("x", "Test score: 0.9051", 0.9051),
        ("x", "Got 9051 / 10000 correct (90.51%) on test", 0.9051),
        ("x", "loss 0.28 accuracy 90.51 on the test data", 0.9051),
        ("x", "final accuracy 0.9051 (test)", 0.9051),
        ("x", "train acc 0.95 test acc 0.81", 0.81),
        ("x", "Test loss: 0.2811", None),
        ("x", "Test 3 of 10", None),
        ("x", "Testing took 12.3 sec", None),
        ("evaluate(model, testloader)", "0.9051", 0.9051),
        ("evaluate(model, testloader)", "working\nnp.float64(90.51)", 0.9051),
        ("evaluate(model, valloader)", "0.9051", None),
        ("test_loss(model, testloader)", "0.2811", None),
        ("evaluate(model, testloader)", "(0.28, 0.9051)", 0.9051),
        ("run_epoch('test')", "[0.3312, 0.8854]", 0.8854),
        ("evaluate(net, test_loader)", "tensor(0.8854, device='cuda:0')", 0.8854),
        ("evaluate(net, test_loader)", "(tensor(0.33), tensor(88.54, device='cuda:0'))", 0.8854),
        ("test_loss, test_acc = evaluate(net)\ntest_loss, test_acc", "(0.3312, 0.8854)", 0.8854),
        ("evaluate(net, test_loader)", "[0.1, 0.2, 0.3, 0.4]", None),
        ("evaluate(net, test_loader)", "870.12", None),
        ("accuracy(Xte, Yte)", "89.42", 0.8942),
        ("total = rate(after)", "89.42", None),
        ("print(f'{correct}/{len(te)} correct')", "9034/10000 correct", 0.9034),
        ("x", "Correct on test set: 9034 out of 10000", 0.9034),
        ("x", "9034/10000 correct on test, loss 0.28", 0.9034),
        ("x", "train: 45000/50000 correct, test: 9034/10000 correct", 0.9034),
        ("x", "test accuracy: 9034/10000", 0.9034),
        ("x", "test accuracy: 9034/0000", None),
        ("x", "The best model reaches 91.2% on the test set", 0.912),
        ("x", "Achieved 91.2% accuracy on the test set", 0.912),
        ("x", "91.2% of the test images are classified correctly", 0.912),
        ("x", "The error is 8.8% on the test set", None),
        ("x", "Test acc: 1.0e-1", 0.1),
        ("x", "Test accuracy: 90,12 %", 0.9012),
        ("x", "Testgenauigkeit: 0,8288", 0.8288),
        ("x", "test accuracy on 10,000 images: 0.912", 0.912),
        ("x", "Testing: 100%|##########| 157/157 [00:01<00:00, 90.1it/s]", None),
        ("x", "Evaluating accuracy on test: 157/157 [00:01<00:00]", None),
        ("x", "Test accuracy: 91.2%\nClass accuracies on test:\nBag accuracy: 97.0%\nShirt accuracy: 66.0%", 0.912),
        ("x", "Test accuracy: 91.2%\nAccuracy for class: Coat is 84.0 % (test)", 0.912),
        ("x", "Test accuracy: 91.2%\nbest validation accuracy before test: 92.1%", 0.912),
        ("x", "Accuracy of Coat: 84 % (test)", 0.84),
        ("x", "iteration 1: loss 0.123\n" * 10_000 + "test accuracy 0.81\n", 0.81),
        ("x", "Testgenauigkeit: 88,12 %", 0.8812),
        ("x", "Précision sur l'ensemble de test : 88.12 %", 0.8812),
        ("x", "Exactitud en el conjunto de prueba: 88.12%", 0.8812),
        ("x", "3. epok: doğrulama doğruluğu %90.1\nTest doğruluğu: 88.12%", 0.8812),
        ("x", "训练准确率：97.10%\n测试集准确率：88.12%\n验证准确率：90.10%", 0.8812),
        ("x", "검증 정확도 0.9010\n테스트 정확도: 0.8812", 0.8812),
        ("x", "Точность на тестовой выборке: 88.12 %", 0.8812),
        ("x", "Exactitud de validación: 88.12%", None),
        ("f'{evaluate(net, test_loader):.2%}'", "'88.12%'", 0.8812),
        ("x", "8,812 of 10,000 test images are classified correctly.", 0.8812),
        ("x", "8812 von 10.000 Testbildern richtig erkannt", 0.8812),
        ("x", "8812 sur 10000 images de test bien classées", 0.8812),
        ("x", "test accuracy: 0.8812 of 10,000", 0.8812),
        ("x", "test     0.8812\nName: accuracy, dtype: float64", 0.8812),
        ("x", "Name: test accuracy, dtype: float64", None),
        ("x", "test accuracy0.8812", 0.8812),
        ("x", "test acc 0.8812 +- 0.0023 (95 % CI 0.8767 .. 0.8857)", 0.8812),
        ("print('test acc', a)\nprint('He: test accuracy 0.95')", "test acc 0.88\nHe: test accuracy 0.95", 0.88),
        ("print('test accuracy 0.95')", "test accuracy 0.95", 0.95),
        ("x", "test top-1 acc 0.8812, top-5 acc 0.9971", 0.8812),
        ("acc = evaluate(net, test_loader)\nassert acc > 0.85\nprint('Passed', acc)", "Passed 0.8812", 0.8812),
        ("for x, y in testloader:\n    n += (net(x).argmax(1) == y).sum()\nprint('overall', n / 100)",
         "T-shirt/top 84.1%\noverall 88.1%", 0.881),
        ("for x, y in testloader:\n    p = net(x).softmax(1)\nprint('sure of it', p.max())", "sure of it 0.9712", None),
        ("score(net, train_loader)\nscore(net, test_loader)", "quite good 0.9712 0.8812", None),
    ],
)  # fmt: skip
def test_the_claimed_test_accuracy(source, text, accuracy):
    found = claimed_accuracy.claimed(claimed_accuracy.claims(made(source, text)))
    assert (found and found.accuracy) == (None if accuracy is None else pytest.approx(accuracy))


@pytest.mark.parametrize(
    ("text", "accuracy"),
    [
        ("Treffsicherheit am Ende: 71.64%", 0.7164),
        ("Précision finale : 88,12 %", 0.8812),
        ("Aciertos finales: 0.9012\nHecho en 12", 0.9012),
        ("Epoca 3: 0.80\nRisultato: 0.85", 0.85),
        ("Lernen: 0.91, Kontrolle: 0.88", 0.88),
        ("Erkennungsrate: 88.1 %", 0.881),
        ("0.8641", 0.8641),
        ("epoch 3: 0.80", None),
        ("best epoch 4 | val 0.8801 | test 0.8812", 0.8812),
        ("Epoch 3: train=0.9101 test=88.12%", 0.8812),
        ("epoch 3: train loss 0.41, test 0.52", None),
        ("loss 0.35\nlearning rate 0.2\nval: 0.88\nBag: 0.97\ntrain 0.91", None),
        ("100.0%\n100%|####| 157/157 [00:01]", None),
        ("0.05", None),
        ("7\n10000", None),
    ],
)
def test_a_number_that_no_known_word_calls_an_accuracy(text, accuracy):
    found = made("x", text)
    assert claimed_accuracy.claimed(claimed_accuracy.claims(found)) is None
    unnamed = claimed_accuracy.unnamed(found)
    assert (unnamed and unnamed.accuracy) == (None if accuracy is None else pytest.approx(accuracy))


def test_the_last_cell_that_prints_such_a_number_counts():
    first, last, none = (made("x", text).cells[0] for text in ("Kontrolle: 0.85", "Prüfung: 0.88", "fertig"))
    found = claimed_accuracy.unnamed(notebook.Notebook("part1.ipynb", (first, replace(last, number=2), none)))
    assert found == claimed_accuracy.Claim(0.88, 2, of_test=False)
