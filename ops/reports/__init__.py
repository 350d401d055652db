"""Reports: the figures a centre is judged by, and the briefings made from them."""
