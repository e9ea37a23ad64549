"""A study's page, as a browser would read it."""

from html.parser import HTMLParser

from embquant.cli import main

VOID = {"meta", "link", "input", "br", "img", "hr"}


class Page(HTMLParser):
    """What a browser would make of a page: its elements with their attributes, and its text."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.texts = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, *tags):
        return [(tag, attributes) for tag, attributes in self.elements if tag in tags]

    @property
    def ids(self):
        return [attributes["id"] for _, attributes in self.elements if "id" in attributes]


def report(reports, folder=None):
    """Write the page, figures and tables; return the page."""
    folder = folder or reports
    files = {"page": "report.html", "figures": "figures", "tables": "tables", "databases": "databases.md"}
    arguments = [word for option, name in files.items() for word in (f"--{option}", folder / name)]
    assert main(["write-report", "--reports", str(reports), *map(str, arguments)]) == 0
    return Page((folder / "report.html").read_text("utf-8"))
