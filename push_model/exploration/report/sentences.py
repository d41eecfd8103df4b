"""What does every report say? The words that no number changes."""

WHAT_IT_GIVES = """\
For a product and a user it gives the propensity: how likely that user would buy that product if
they were buying now. Choose a product, choose how many pushes to send, and send them to the users
with the highest propensity; below 5 % a push is not worth sending."""

NOT_KNOWN_SALES = """\
What it can't know: whether a push changes anybody's mind, for it learnt from orders and never saw a
push; whether the push is opened (about 5 % are); what a user buys elsewhere; and anything of a
user who has not ordered yet. "Bought" here means: the product was in an order of at least
{min_items} items that the user placed at that time. It tells whom a product suits, and not by how
much a push raises sales: only leaving some users out at random would tell that."""

BOUGHT_NOTE = """\
Counted on orders that were placed after everything the model learnt from, as if each push had
reached a user at the moment of the order."""

HISTORY_NOTE = """\
For this, requests must hold the user's history with the product, which engineering joins to them
from a table that "push-model features" makes. Until they do, {plain} answers: of as many pushes
that it sends, {bought:.0f} of {pushes:,} are bought."""

REORDERED = """\
That this shows so little of history has a reason. With it average precision is {gain} above the
other's, {above:.0f} % of that among these pushes: about as many are bought, in a better order. Of
the {surest:.0f} surest of {pushes:,} pushes {with_it:.0f} are bought with it and {without:.0f}
without, so that it pays where fewer pushes are sent."""

POOLED_NOTE = """\
These figures pool all products and users, each at the moment of an order. They are not for a single
product: of one product's pushes more or fewer may be bought."""

INTERVALS_NOTE = """\
Intervals hold {level:.0f} % and come from drawing whole orders anew {resamples:,} times, for the
rows of an order share a user and a moment. Every entry is measured on the same draws, so that a
difference is surer than the two figures it is taken of."""

READ_FOREST = """\
Average precision above that of the neighbour on the folds, with its interval. Filled to the right
of the line: better on every fold; squares to the left: worse on every fold; hollow triangles: so on
the mean, but not on every fold; hollow dots: the interval holds no difference."""

NEIGHBOURS_NOTE = """\
An entry stands beside a neighbour that is as like it as can be: most differ in the one thing that
the question names; other families, and what a search found, differ in several things at once. Why:
where the difference lies, as far as the numbers tell; an association, no proof."""

EXACT_NOTE = """\
History is derived from the frame itself. Of {whole} of the orders every earlier one is known to it:
there history is what engineering would supply, and what it is worth here is what it would be worth
exactly. Of the others it knows less."""

CHANCE_NOTE = """\
These are {count:,} comparisons at {level:.0f} %: were no entry any different from its neighbour,
some {by_chance} intervals would leave out no difference by chance alone."""

PATHS_NOTE = """\
C is the inverse strength of the penalty: on the left the line is held back most. Coefficients are
of standardised inputs, so that they can be compared. Lines on fewer orders,
where there are any, belong to the learning curve."""

LEARNING_MISSING = """\
No entry was fitted on fewer orders, so that nothing can be said of what more orders would bring.
Needed: entries whose treatment is "a tenth of the orders", "a quarter of the orders" or "half of
the orders", beside the same entry on all of them."""

LEARNING_NOTE = """\
Fewer orders are one draw of them each; intervals leave out the noise of that draw."""

PENALTY_SCALED = """\
A line's C rises as orders are left out, so that its penalty weighs as much beside fewer rows."""

CURVES_NOTE = """\
Precision against recall, ROC, lift and reliability of the finalists, first on the usual validation,
then in the final window."""

IMPORTANCES_NOTE = """\
Three ways to ask what the chosen entry leans on. Shuffled: average precision lost when a feature's
values are dealt out anew, with all that is derived from it. Reasons: how far a feature moves the
log-odds of a candidate, mean size of its Shapley value over {reasoned:,} candidates at most, half
of them drawn from all and half from the tenth with the highest propensities. Own: what the family
itself counts, by input, derived ones apart. Features that say the same stand in for each other."""

DEPENDENCE_NOTE = """\
Mean propensity as one feature moves and all else stays; bars below are how many of the looked-at
candidates lie nearest to each value: where there are none, the line is a guess. What the model
makes of a feature proves nothing of what makes people buy."""

DEPENDENCE_MISSING = """\
Partial dependence was not measured yet, or so few users were looked at that a line would show
values of single ones."""

ERRORS_NOTE = """\
Groups of candidates, none smaller than {least:,} orders. Average precision rises and falls with the
share bought in a group, so compare its lift over that share. Above 1, expected / actual promises
too much."""

NOT_KNOWABLE = """\
What no model of these columns can know: what is in the basket so far, what the user's household ran
out of, what was bought elsewhere, and what was out of stock. Products new to the user are where
that costs most."""

COST_NOTE = """\
Only entries that can be served are drawn and listed: the others would be weighed as a pickle, and
timed without being served. Letters mark the chosen entry and those that nothing beats at that cost:
all cheaper ones are worse. Seconds and microseconds are of the machine that explored and compare
entries with each other only; where several jobs shared its cores, they are longer and rougher."""

GLASS_NOTE = """\
Glass-box: an entry whose answer a person can follow by hand: a rule, a line, a single tree of few
questions, or trees of at most two questions, of which every effect can be drawn."""

PROTOCOL_NOTE = """\
One row is a candidate: a product on sale when an order was placed, bought or not. Windows are whole
days and so whole orders; every judged order is newer than all that was learnt from. Entries are
chosen on the folds alone; the usual split stands beside figures that others published; the final
window, the newest orders, is for the claim."""

PRIVACY = """\
On this page are counts and means only: no row, user, order or product."""

USUAL_NOTE = """\
The usual validation window ({start} until before {end}) {lies} {folds}, by which the choice was
made: its figures are for standing beside published ones, and claim nothing."""

COMMANDS = """\
push-model explore FRAME   # explores, or goes on where it stopped, and writes this report"""
