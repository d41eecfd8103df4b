"""How would an invented shop sell? Its shelf, its visitors, their baskets."""
