"use strict";

const REFRESH_MS = 1500, HISTORY_MS = 30000, SEARCH_MS = 5000, PATIENCE_MS = 30000;
const RATE_S = 11, LOST_SHOWN = 10;
/* What takes natbox longer than a moment is asked for again only after so many times as long. */
const EASE = 50, MOMENT_MS = 100;
const KINDS = ["registrations", "subscriptions", "dialogs"];

const by = id => document.getElementById(id);
const number = new Intl.NumberFormat("en", {useGrouping: true});
const decimal = new Intl.NumberFormat("en", {maximumFractionDigits: 1});

let status = null, past = [], samples = [], live = [], historyAt = 0;
let hours = 0, hovered = null, spread = null, trips = null, showsAllLost = false;
let query = "", searchAgainAt = 0, searching = 0, lostAgainAt = 0;

/* Text from the network goes into the page as text alone. What a terminal or a reader would not
 * show, or show elsewhere, is shown as its number. */
function visible(text)
{
	return text.replace(
		/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
		c => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
}

function element(name, text, className)
{
	const made = document.createElement(name);

	if (text !== undefined)
		made.textContent = text;
	if (className)
		made.className = className;
	return made;
}

function show(id, text)
{
	if (by(id).textContent !== text)
		by(id).textContent = text;
}

function duration(seconds)
{
	const s = Math.max(0, Math.round(seconds));

	if (s < 60)
		return s + " s";
	if (s < 3600)
		return Math.floor(s / 60) + " min" + (s < 600 && s % 60 ? " " + s % 60 + " s" : "");
	if (s < 86400)
		return Math.floor(s / 3600) + " h" +
			(s % 3600 >= 60 ? " " + Math.floor(s % 3600 / 60) + " min" : "");
	return Math.floor(s / 86400) + " d" +
		(s % 86400 >= 3600 ? " " + Math.floor(s % 86400 / 3600) + " h" : "");
}

function clock(date)
{
	return String(date.getHours()).padStart(2, "0") + ":" +
		String(date.getMinutes()).padStart(2, "0");
}

function plural(count, what)
{
	return number.format(count) + " " + what + (count === 1 ? "" : "s");
}

function ease(asked)
{
	const took = Date.now() - asked;

	return took > MOMENT_MS ? EASE * took : 0;
}

async function ask(path)
{
	const answer = await fetch(path, {
		cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS)});
	const said = await answer.json();

	if (!answer.ok)
		throw new Error(said.failed || "status " + answer.status);
	return said;
}

/* The whole. */

function showState()
{
	const state = by("state");

	state.className = status.well ? "well" : "ill";
	show("line", (status.well ? "✓ " : "✗ Not well: ") + status.line);
	document.title = (status.well ? "✓" : "✗") + " natbox";
	if (by("troubles").textContent !== status.troubles.slice(1).join(""))
		by("troubles").replaceChildren(
			...status.troubles.slice(1).map(line => element("li", line)));
	show("about", "version " + status.version + ", up " + duration(status.up));
}

/* Over the last ten seconds that this page has seen. */
function rate(key)
{
	const before = past[0];

	if (!before || status.time - before.time < 1)
		return null;
	return Math.max(0, (status[key] - before[key]) / (status.time - before.time));
}

function showRate(id, value)
{
	if (value !== null)
		show(id, value < 100 ? decimal.format(value) : number.format(Math.round(value)));
}

function showFigures()
{
	const asked = status.answered + status.missed;

	show("endpoints", number.format(status.endpoints));
	show("unproven", status.unproven ? number.format(status.unproven) + " unproven" : "");
	show("lost", number.format(status.lost));
	show("lost-part", status.lost
		? decimal.format(100 * status.lost / status.endpoints) + " % of them" : "");
	by("lost-figure").className = status.lost ? "some" : "";
	showRate("keepalives", rate("keepalives"));
	show("answered", asked ? decimal.format(100 * status.answered / asked) + " %" : "–");
	show("answered-of", asked ? "of " + short(asked) + " so far" : "");
	showRate("packets-in", rate("packets_in"));
	showRate("packets-out", rate("packets_out"));
}

/* Phones. */

function cell(name, content, className)
{
	const made = element("td");

	made.dataset.name = name;
	made.append(typeof content === "string" ? element("span", content, className) : content);
	return made;
}

function twoLines(first, second)
{
	const made = element("div");

	made.append(first, element("div", second, "faint"));
	return made;
}

/* Whom an endpoint is for, and where that stands: a click searches for it. */
function nameOf(phone)
{
	const button = element("button", undefined, "name");

	button.type = "button";
	button.append(element("bdi", visible(phone.aor || phone.client)));
	button.addEventListener("click", () => {
		by("query").value = phone.aor || phone.client;
		startSearch();
	});
	return twoLines(button, phone.client);
}

function reasonsOf(phone)
{
	const names = {registrations: "registration", subscriptions: "subscription", dialogs: "call"};
	const parts = KINDS.filter(kind => phone[kind]).map(kind => plural(phone[kind], names[kind]));

	return twoLines(parts.join(", "), duration(phone.expires) + " left");
}

function stateOf(phone)
{
	if (phone.lost)
		return "lost";
	return phone.proven ? "reachable" : "unproven";
}

function foundRow(phone)
{
	const row = element("tr"), state = stateOf(phone);

	row.append(cell("phone", nameOf(phone)),
		cell("state", state, "state " + state),
		cell("last heard", duration(phone.quiet) + " ago"),
		cell("next keepalive", phone.next === undefined ? "none" : "in " + duration(phone.next)),
		cell("kept for", reasonsOf(phone)),
		cell("proxy, NAT", twoLines(phone.proxy, (phone.nat.join(", ") || "no NAT") +
			(phone.class ? ", class " + phone.class : ""))));
	return row;
}

function lostRow(phone)
{
	const row = element("tr");

	row.append(cell("phone", nameOf(phone)),
		cell("last heard", twoLines(duration(phone.quiet) + " ago",
			"at " + clock(new Date((status.time - phone.quiet) * 1000)))),
		cell("missed", plural(phone.missed, "keepalive")),
		cell("proxy", phone.proxy));
	return row;
}

/* Rows that somebody has the keyboard in stay. */
function fill(table, rows)
{
	const body = table.tBodies[0];

	table.hidden = !rows.length;
	if (!body.contains(document.activeElement))
		body.replaceChildren(...rows);
}

function showLost(said)
{
	const shown = showsAllLost ? said.lost : said.lost.slice(0, LOST_SHOWN);

	fill(by("lost-table"), shown.map(lostRow));
	by("all-lost").hidden = shown.length === said.lost.length;
	show("all-lost", "Show " + said.lost.length);
	if (!said.lost.length)
		show("lost-line", status.lost ? plural(status.lost, "phone") : "None.");
	else if (said.more)
		show("lost-line", "Those " + said.lost.length + " that were heard last, and " +
			number.format(said.more) + " more.");
	else
		show("lost-line", "");
}

async function search()
{
	const wanted = query, mine = ++searching;

	try {
		const asked = Date.now();
		const said = await ask("/search?q=" + encodeURIComponent(wanted));

		searchAgainAt = asked + Math.max(SEARCH_MS, ease(asked));
		if (mine !== searching)
			return;
		fill(by("found"), said.found.map(foundRow));
		show("search-line", !said.found.length
			? "No endpoint has “" + visible(wanted) + "” in its AOR or its address."
			: said.more ? "The first " + said.found.length + ": there are more."
			: plural(said.found.length, "endpoint") + ".");
	} catch (error) {
		searchAgainAt = Date.now() + SEARCH_MS;
		if (mine === searching)
			show("search-line", "The search has failed: " + error.message);
	}
}

function startSearch()
{
	query = by("query").value.trim();
	by("found").hidden = true;
	document.activeElement.blur();
	searching++;
	show("search-line", query ? "Searching …" : "");
	if (query)
		search();
}

function chooseHours(chosen)
{
	hours = chosen;
	for (const button of document.querySelectorAll("[data-hours]"))
		button.setAttribute("aria-pressed", String(Number(button.dataset.hours) === hours));
}

/* Asking. */

async function refreshHistory()
{
	const said = await ask("/history.json");

	historyAt = Date.now();
	samples = said.samples.map(sample => [status.time - sample[0], ...sample.slice(1)]);
	live = [];
}

async function refreshLost()
{
	const asked = Date.now(), said = await ask("/lost.json");

	lostAgainAt = asked + ease(asked);
	showLost(said);
}

async function refresh()
{
	const said = await ask("/status.json");

	past = past.filter(old => old.up <= said.up && old.time > said.time - RATE_S);
	status = said;
	past.push(status);
	if (!hours)
		chooseHours(status.up < 3600 ? 1 : status.up < 6 * 3600 ? 6 : 24);
	trips = status.round_trips;
	showState();
	showFigures();
	live.push([status.time, ...KINDS.map(kind => status[kind]), status.lost]);
	if (Date.now() - historyAt >= HISTORY_MS)
		await refreshHistory();
	if (!status.lost)
		showLost({lost: [], more: 0});
	else if (Date.now() >= lostAgainAt)
		await refreshLost();
	spread = await ask("/spread.json");
	if (query && Date.now() >= searchAgainAt)
		await search();
}

function refreshNow()
{
	refresh().then(draw, () => {});
}

async function turn()
{
	try {
		if (!document.hidden) {
			await refresh();
			document.querySelector("main").classList.remove("stale");
			show("asked", "As of " + new Date().toLocaleTimeString("en-GB"));
			draw();
		}
	} catch (error) {
		if (!status || status.well || error.name === "TypeError") {
			by("state").className = "ill";
			show("line", "✗ natbox does not answer: " + error.message);
			by("troubles").replaceChildren();
			document.title = "✗ natbox";
		}
		document.querySelector("main").classList.add("stale");
	}
	setTimeout(turn, REFRESH_MS);
}

by("search-form").addEventListener("submit", event => {
	event.preventDefault();
	startSearch();
});
for (const button of document.querySelectorAll("[data-hours]"))
	button.addEventListener("click", () => {
		chooseHours(Number(button.dataset.hours));
		drawHistory();
	});
by("all-lost").addEventListener("click", () => {
	showsAllLost = true;
	lostAgainAt = 0;
	refreshNow();
});
by("history").addEventListener("pointermove", event => {
	hovered = event.clientX - by("history").getBoundingClientRect().left;
	drawHistory();
});
by("history").addEventListener("pointerleave", () => {
	hovered = null;
	drawHistory();
});
document.addEventListener("visibilitychange", () => {
	if (!document.hidden && status)
		refreshNow();
});
window.addEventListener("resize", draw);
turn();
