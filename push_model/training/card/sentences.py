"""What does every card say? The words that no number changes."""

PURPOSE = """\
It gives the probability that a user would buy a product if they were buying now, learnt from
repeat orders alone."""

INTENDED_USE = """\
For sales: choose a product and a number of pushes, and send them to the users most likely to buy
it. Send where p > 0.05: about 5 % of pushes are opened, and a wrong one costs uninstalls."""

KNOWN_ORDERS = """\
It knows only orders of at least {min_items} items bought: the propensity is of buying in such an
order."""

NOT_FOR = """\
Not for: telling whether a push changes anybody's mind (it never saw one), pricing, credit or
anything else decided about a person, users without an earlier order, or another shop."""

NOT_JUDGED = "Not judged yet"
NOT_JUDGED_SAYS = """\
The gate writes this card again once it has compared the model with the champion on the newest
orders."""

HOLDOUT = """\
Measured on the holdout: {rows:,} candidates of {orders:,} orders with {purchases:,} purchases, all
newer than every order that the judged model has learnt from. Average precision decides; accuracy
is never used, for at 1 % prevalence "nobody buys anything" is 99 % accurate."""

BASELINES_NOTE = """\
Baselines need no model: popularity ranks by global_popularity; bought before puts what the user
bought before first, the more popular first among equals. Their scores are no probabilities, so what
only a probability can be held to is a dash."""

SLICES_NOTE = """\
New users are harder than returning ones, so they are always reported apart. A basket's size is
known only once it is bought: those slices judge the model and cannot be chosen by."""

FEATURES_NOTE = """\
The small pictures show the mean propensity as one feature moves and all else stays (partial
dependence); dots are the tenths of the train window. They show what the model makes of a feature,
and prove nothing of what makes people buy."""

DOUBTFUL = "Nothing was lost in some shuffle, so that it may cost more than it brings:"

WINDOWS_NOTE = """\
One row is a product on sale when an order was placed, bought or not. The train window is learnt
from, the calibration window is for calibration, and the holdout, the newest {orders:,} orders,
judges. What serves is then fitted once more on all three: the refit."""

TWIN = """\
How good it is was measured on its twin {validated_id}, fitted in the same way on orders before
{until} alone: what serves has learnt from the newest orders, too, so that they cannot judge it."""

PRIVACY = """\
The model knows no name, address, age or sex, and neither user nor order is on this card.
Households and habits are personal data all the same: use propensities for pushes alone and keep
them no longer than these need."""

FEEDBACK = """\
What was bought before is offered again: users see fewer products new to them. Leave part of the
pushes to chance now and then, or nothing else is ever learnt."""

HONESTY = """\
Propensities are as honest as expected / actual purchases above. When the catalogue, the prices or
the season move, retrain."""

ROLLBACK = """\
If it serves and should not, this puts the champion before it back in under a second, and writes
the reason into the promotion log:"""
ROLLBACK_COMMAND = 'push-model rollback --reason "why it must go"'

REPRODUCTION = """\
The same dataset, parametrisation, seed and versions give the same model.json, byte for byte."""
