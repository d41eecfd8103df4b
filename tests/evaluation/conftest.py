import pytest

from push_model.evaluation.evaluation import evaluate
from push_model.evaluation.scorers import score
from push_model.model.scoring import Model
from push_model.training.parametrisation import read_parametrisation
from push_model.training.train import train
from tests.frames import make_frame


@pytest.fixture(scope="session")
def holdout():
    return make_frame(orders=40, seed=7)


@pytest.fixture(scope="session")
def model():
    asked = read_parametrisation({"model": "logistic_regression"})
    trained = train(make_frame(orders=60, seed=0), asked, seed=0, trained_on="2021-03-04")
    return Model.from_document(trained.evaluated.document)


@pytest.fixture(scope="session")
def scores(model, holdout):
    return {"challenger": score(model, holdout), "champion": score(model, holdout) * 0.5}


@pytest.fixture(scope="session")
def evaluation(model, holdout, scores):
    return evaluate(holdout, scores, model=model, line=(1.2, 0.1))
