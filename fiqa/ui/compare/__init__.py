"""The Compare tab: which method's photos score better. It may import what tabs share, and no other tab.

uploads      what a visitor handed in, as photos of methods
state        the comparison a visitor has before them
panels       what is shown of it
example      methods to try the tab with
tab          layout and handlers, and the endpoint /compare
"""
