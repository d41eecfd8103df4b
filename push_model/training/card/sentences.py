"""The words of every card; numbers are filled in."""

PURPOSE = """\
Predicts the probability that a user would buy a product if they were buying now. It is trained on
repeat orders alone."""

INTENDED_USE = """\
For sales: choose a product and a number of pushes, and send them to the users most likely to buy
it. Send where p > 0.05: about 5 % of pushes are opened, and unwanted ones make users
uninstall the app."""

KNOWN_ORDERS = """\
It is trained on orders of at least {min_items} items bought, and predicts purchases in such
orders."""

NOT_FOR = """\
Not for: measuring whether a push changes a decision (no push was part of the training), pricing,
credit or other decisions about a person, users without an earlier order, or another shop."""

DECISIONS = {
    "promote": "Promote: ready to serve",
    "keep": "Not promoted",
    "inconclusive": "Inconclusive: too little data to decide",
}

NO_CHAMPION = "There is no champion yet, so nothing serves."

NOT_JUDGED = "Not judged yet"
NOT_JUDGED_SAYS = """\
The gate writes this card again when it has compared the model with the champion on the newest
orders."""

RULES_PASSED = "{passed} of {all} rules passed, none failed."
SLICE_RULES_PASSED = "{passed} of {all} slice rules passed."
TOO_LITTLE_DATA = "{unknown} had too little data."

FIRST_MODEL = "First model, evaluated on {orders:,} orders."
COMPARED = "Compared with the champion {champion} on {orders:,} orders: {claim}."
NOT_COMPARED = "Evaluated on {orders:,} orders, without a comparison with the champion {champion}."
CHANGED = "{changed} of the champion's best 5 % are not in this model's best 5 %."

HOLDOUT = """\
Measured on the holdout: {rows:,} candidates of {orders:,} orders with {purchases:,} purchases, all
newer than the orders that the evaluated model was trained on. Average precision decides. Accuracy
is not used: at a purchase rate of 1 %, the prediction that nothing is bought is 99 % accurate."""

BASELINES_NOTE = """\
Baselines need no model: popularity ranks by global_popularity; bought before ranks products that
the user bought before first, then by popularity. Baselines give rankings, not probabilities;
probability metrics are left blank."""

SLICES_NOTE = """\
New users are harder to predict than returning ones, so they are always reported apart. The size of
a basket is known only after the purchase: those slices evaluate the model and cannot select
users."""

FEATURES_NOTE = """\
The small pictures show the mean propensity as one feature changes and all others stay (partial
dependence); dots are the tenths of the train window. They show how the model uses a feature. They
do not show what makes people buy."""

DOUBTFUL = "Features with no measurable effect; consider removing: {features}."

DRIFT_NOTE = "{changed} of {all} features changed since the champion's training."

WINDOWS_NOTE = """\
One row is a product on sale when an order was placed, bought or not. The model is trained on the
train window, calibrated on the calibration window and evaluated on the holdout, the newest
{orders:,} orders. The model in service is then trained again on all three: the refit."""

WHOSE = """\
These figures come from the same model trained without the newest orders (before {until}). The model
in service also uses those, so it cannot be tested on them."""

PRIVACY = """\
The model knows no name, address, age or sex, and this card names no user and no order. Households
and habits are personal data: use propensities only for pushes, and delete them afterwards."""

FEEDBACK = """\
Products that were bought before are offered again, so users see fewer new ones. Send 5 to 10 % of
pushes to random users, to find new interests and measure the effect."""

CALIBRATED = """\
Propensities are calibrated if expected / actual purchases above is near 1. Train again when the
catalogue, the prices or the season change."""

ROLLBACK = """\
This returns to the previous champion in under a second, and writes the reason into the promotion
log:"""
ROLLBACK_COMMAND = 'push-model rollback --reason "why it must go"'

REPRODUCTION = """\
The same dataset, parametrisation, seed and versions give the same model.json, byte for byte."""
