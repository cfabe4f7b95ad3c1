#!/usr/bin/python3
"""The status page in a browser: drive.py URL NATBOX-PID PROGRAM PICTURES. Prints TAP lines."""
import json
import os
import signal
import sys
import tempfile

from chromium import Failed, Page
from phones import Phone, Registrar

PROXY = ("203.0.113.1", 5060)
NAMES = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy")
DELAYS = (0.002, 0.004, 0.008, 0.015, 0.03, 0.08)
HOSTILE = "sip:<script>alert(1)</script>'\"&amp;@example.org"
PICTURES = (("light", 1280, 900), ("dark", 1280, 900), ("light", 390, 844), ("dark", 390, 844))

ROWS = """[...document.querySelectorAll("#%s tbody tr")].map(row => row.textContent)"""


def text(selector):
    return f"document.querySelector({json.dumps(selector)}).textContent"


def rows(table):
    return ROWS % table


def has_row(table, part):
    return f"{rows(table)}.some(row => row.includes({json.dumps(part)}))"


def attempt(what, story):
    try:
        fault = story()
    except Failed as failed:
        fault = str(failed)
    if fault:
        print(f"# {fault}\nnot ok - {what}", flush=True)
    else:
        print(f"ok - {what}", flush=True)


def search(page, query):
    page.click("#query")
    page.run("document.getElementById('query').select()")
    page.write(query)


class Stories:
    def __init__(self, page, phones):
        self.page, self.phones = page, phones

    def is_well(self):
        self.page.until('document.getElementById("state").className === "well"')
        self.page.until(f"{text('#line')}.includes('All is well')")
        self.page.until(f"{text('#trips-line')} === 'No keepalive was answered in the last hour.'")

    def has_figures(self):
        self.page.until(f"{text('#trips-line')}.includes('half of them')")
        self.page.until(f"{text('#endpoints')} === '{len(self.phones) + 1}'")
        self.page.until("document.querySelectorAll('#spread rect').length === 120")
        self.page.until("document.querySelectorAll('#trips rect').length === 12")
        self.page.until("document.querySelector('#history path.registrations') !== null")

    def shows_the_hostile(self):
        self.page.until(has_row("lost-table", HOSTILE))
        if self.page.run("document.scripts.length") != 1:
            return "there is a second script"

    def finds_by_click(self):
        search(self.page, "BOB@")
        self.page.click("#search-form button")
        self.page.until(has_row("found", "sip:bob@example.org"))
        self.page.until(f"{rows('found')}.length === 1")
        self.page.until(has_row("found", "reachable"))

    def finds_by_key(self):
        search(self.page, "198.51.100.7:20000")
        self.page.press_enter()
        self.page.until(has_row("found", "sip:alice@example.org"))
        self.page.until(f"{rows('found')}.length === 1")
        self.page.until(has_row("found", "reachable"))

    def finds_the_hostile(self):
        search(self.page, "</SCRIPT>'\"&amp;")
        self.page.press_enter()
        self.page.until(has_row("found", HOSTILE))

    def finds_nothing(self):
        search(self.page, "<b>nobody</b>")
        self.page.press_enter()
        self.page.until(f"{text('#search-line')}.includes('<b>nobody</b>')")

    def loses_alice(self):
        self.phones[0].plugged = False
        self.page.until(has_row("lost-table", "sip:alice@example.org"))
        self.page.until(f"{text('#lost')} === '2'")

    def leads_from_lost_to_search(self):
        self.page.click("#lost-table tbody tr button")
        self.page.until(has_row("found", "sip:alice@example.org"))
        self.page.until(has_row("found", "lost"))

    def finds_alice_again(self):
        self.phones[0].plugged = True
        self.page.until("!" + has_row("lost-table", "sip:alice@example.org"))
        self.page.until(has_row("found", "reachable"))

    def loses_many(self):
        for phone in self.phones[:len(self.phones) // 4]:
            phone.plugged = False
        self.page.until('document.getElementById("state").className === "ill"')
        self.page.until(f"{text('#line')}.includes('endpoints are lost')")

    def chooses_an_hour(self):
        self.page.click("[data-hours='1']")
        self.page.until("document.querySelector('[data-hours=\"1\"]').ariaPressed === 'true'")

    def is_drawn(self, pictures, state):
        for scheme, width, height in PICTURES:
            self.page.look(width, height, scheme)
            self.page.run("new Promise(requestAnimationFrame)")
            self.page.picture(f"{pictures}/{state}-{scheme}-{width}.png")
            if self.page.run("document.documentElement.scrollWidth") > width:
                return f"wider than {width}"
        self.page.look(1280, 900, "light")

    def asks_nobody_else(self):
        asked = self.page.run("performance.getEntriesByType('resource').map(e => e.name)")
        if not asked or any(not name.startswith(self.page.run("origin") + "/") for name in asked):
            return f"asked: {asked}"

    def says_nothing(self):
        return json.dumps(self.page.heard[0]) if self.page.heard else None

    def misses(self, natbox):
        os.kill(natbox, signal.SIGTERM)
        self.page.until(f"{text('#line')}.includes('natbox does not answer')")
        self.page.until("document.title === '✗ natbox'")


def main():
    url, natbox, program, pictures = sys.argv[1:]
    Registrar(*PROXY)
    phones = [Phone(f"sip:{NAMES[i % 10]}{i // 10 or ''}@example.org", f"198.51.100.{7 + i % 3}",
                    20000 + i, DELAYS[i % 6]) for i in range(40)]
    with tempfile.TemporaryDirectory() as profile:
        page = Page(program, profile)
        page.look(1280, 900, "light")
        page.call("Page.navigate", url=url)
        page.until("location.protocol === 'http:' && document.readyState === 'complete'")
        stories = Stories(page, phones)
        attempt("before a phone has come the first line says that all is well", stories.is_well)
        for phone in phones:
            phone.register(PROXY)
        attempt("figures and pictures are there", stories.has_figures)
        attempt("an AOR with a script in it is shown, and is none", stories.shows_the_hostile)
        attempt("a click finds a phone by a part of its AOR", stories.finds_by_click)
        attempt("the enter key finds one by its address", stories.finds_by_key)
        attempt("and the one with a script in its AOR", stories.finds_the_hostile)
        attempt("what is not found is shown as it was written", stories.finds_nothing)
        attempt("a phone that is unplugged appears among those that are lost", stories.loses_alice)
        attempt("a click there searches for it", stories.leads_from_lost_to_search)
        attempt("it is light and dark, and fits a phone",
                lambda: stories.is_drawn(pictures, "well"))
        attempt("plugged in again it is lost no more, and what was found says so",
                stories.finds_alice_again)
        attempt("where many are lost the first line says so", stories.loses_many)
        attempt("the last hour can be chosen", stories.chooses_an_hour)
        attempt("that is light and dark, and fits a phone, too",
                lambda: stories.is_drawn(pictures, "ill"))
        attempt("the page asks nobody but this natbox", stories.asks_nobody_else)
        attempt("the browser has nothing to complain of", stories.says_nothing)
        attempt("when natbox is gone the first line says so", lambda: stories.misses(int(natbox)))
        page.close()


if __name__ == "__main__":
    os.umask(0o022)
    main()
