"use strict";

const REFRESH_MS = 2000, HISTORY_MS = 30000, SEARCH_MS = 5000, PATIENCE_MS = 30000;
const RATE_S = 11, LOST_SHOWN = 10;
/* What takes natbox long is asked for again only after so many times as long. */
const EASE = 50;
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

		searchAgainAt = asked + Math.max(SEARCH_MS, EASE * (Date.now() - asked));
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

/* Pictures. */

function shape(svg, name, attributes, text)
{
	const made = document.createElementNS(svg.namespaceURI, name);

	for (const key in attributes)
		made.setAttribute(key, attributes[key]);
	if (text !== undefined)
		made.textContent = text;
	svg.append(made);
	return made;
}

/* An empty picture, and where in it there is something to be drawn. */
function clear(svg, left)
{
	const box = {left, right: svg.clientWidth - 4, top: 8, bottom: svg.clientHeight - 20};

	svg.replaceChildren();
	box.width = Math.max(1, box.right - box.left);
	box.height = Math.max(1, box.bottom - box.top);
	return box;
}

/* Round numbers up to one that is at least greatest, which may be 0. */
function steps(greatest)
{
	const most = Math.max(greatest, 1), raw = Math.max(most, 4) / 4, power = 10 ** Math.floor(Math.log10(raw));
	const step = Math.ceil([1, 2, 2.5, 5, 10].find(m => m * power >= raw) * power);

	return [0, 1, 2, 3, 4].map(i => i * step).filter((v, i, all) => !i || all[i - 1] < most);
}

function short(value)
{
	if (value >= 1e9)
		return decimal.format(value / 1e9) + " G";
	if (value >= 1e6)
		return decimal.format(value / 1e6) + " M";
	return value >= 1e4 ? decimal.format(value / 1e3) + " k" : number.format(value);
}

function drawScale(svg, box, marks)
{
	const most = marks[marks.length - 1], y = v => box.bottom - box.height * v / most;

	for (const mark of marks) {
		shape(svg, "path", {class: "rule", d: "M" + box.left + " " + y(mark) + "H" + box.right});
		shape(svg, "text", {x: box.left - 6, y: y(mark) + 4, "text-anchor": "end"}, short(mark));
	}
	return y;
}

function drawTimes(svg, box, now, span)
{
	const every = [10, 20, 60, 120, 240, 480].find(m => span / (m * 60) <= box.width / 75) || 720;
	const next = new Date(now * 1000);

	next.setMinutes(0, 0, 0);
	for (let t = next.getTime() / 1000 + 3600; t > now - span; t -= Math.min(every, 60) * 60) {
		const x = box.right - box.width * (now - t) / span, date = new Date(t * 1000);

		if ((date.getHours() * 60 + date.getMinutes()) % every === 0 && x > box.left + 15 &&
			x < box.right - 15)
			shape(svg, "text", {x, y: box.bottom + 15, "text-anchor": "middle"},
				clock(date));
	}
}

/* Points of [time, registrations, subscriptions, dialogs, lost], the oldest first: a sample a
 * minute, and since the last of them what this page has seen itself. */
function points(now)
{
	const all = samples.concat(live), span = hours * 3600;
	const first = all.findIndex(point => point[0] > now - span);

	return first < 0 ? [] : all.slice(Math.max(0, first - 1));
}

function drawHistory()
{
	const svg = by("history"), box = clear(svg, 46), span = hours * 3600;
	const now = status ? status.time : 0, all = points(now);
	const sum = point => point[1] + point[2] + point[3];
	const y = drawScale(svg, box, steps(Math.max(0, ...all.map(sum))));
	const x = t => Math.max(box.left, box.right - box.width * (now - t) / span);

	drawTimes(svg, box, now, span);
	for (let kind = 3; kind > 0; kind--) {
		const level = point => point.slice(1, kind + 1).reduce((a, b) => a + b, 0);
		const line = all.map(p => x(p[0]).toFixed(1) + " " + y(level(p)).toFixed(1));

		if (all.length)
			shape(svg, "path", {class: KINDS[kind - 1], d: "M" + line.join("L") + "L" +
				x(all[all.length - 1][0]) + " " + box.bottom + "L" + x(all[0][0]) + " " +
				box.bottom + "Z"});
	}
	if (all.some(point => point[4]))
		shape(svg, "path", {class: "lost", d: "M" + all.map(
			p => x(p[0]).toFixed(1) + " " + y(p[4]).toFixed(1)).join("L")});
	drawPointer(svg, box, all, x, now);
}

/* The figures under the pointer, else those of now. */
function drawPointer(svg, box, all, x, now)
{
	const legend = by("history-legend").children;
	let point = all[all.length - 1];

	if (hovered !== null && all.length) {
		point = all.reduce((a, b) => Math.abs(x(a[0]) - hovered) < Math.abs(x(b[0]) - hovered)
			? a : b);
		shape(svg, "path", {class: "pointer", d: "M" + x(point[0]) + " " + box.top + "V" +
			box.bottom});
	}
	for (let i = 0; i < 4; i++)
		legend[i].firstElementChild.textContent = point ? number.format(point[i + 1]) : "";
	legend[4].textContent = point && hovered !== null
		? "at " + clock(new Date(point[0] * 1000)) : "now";
}

function drawSpread()
{
	const svg = by("spread"), box = clear(svg, 46);

	if (!spread)
		return;
	const count = spread.parts.length, mean = spread.keepalives / count;
	const y = drawScale(svg, box, steps(Math.max(...spread.parts)));

	spread.parts.forEach((value, i) => shape(svg, "rect", {class: "bar",
		x: box.left + i * box.width / count, width: Math.max(1, box.width / count - 1),
		y: y(value), height: box.bottom - y(value)}));
	shape(svg, "path", {class: "mean", d: "M" + box.left + " " + y(mean) + "H" + box.right});
	shape(svg, "text", {x: box.left, y: box.bottom + 15}, "now");
	shape(svg, "text", {x: box.right, y: box.bottom + 15, "text-anchor": "end"},
		"in " + duration(spread.interval_ms / 1000));
	show("spread-line", !spread.keepalives ? "No keepalive is due." :
		plural(spread.keepalives, "keepalive") + " in the interval to come. Busiest " +
		spread.tick_ms + " ms: " + number.format(spread.busiest) + ", mean " + spread.mean +
		(spread.mean >= 1 ? ", " + decimal.format(spread.busiest / spread.mean) +
			" times as many." : "."));
}

function bound(ms)
{
	return ms < 1000 ? ms + " ms" : ms / 1000 + " s";
}

/* The bound below which half of them are. */
function median(counts, bounds, all)
{
	let sum = 0;
	const i = counts.findIndex(count => (sum += count) * 2 >= all);

	return i < bounds.length ? "within " + bound(bounds[i]) : "above " + bound(bounds[i - 1]);
}

function drawTrips()
{
	const svg = by("trips"), box = clear(svg, 46);

	if (!trips)
		return;
	const counts = trips.counts, all = counts.reduce((a, b) => a + b, 0);
	const y = drawScale(svg, box, steps(Math.max(...counts))), width = box.width / counts.length;

	counts.forEach((value, i) => {
		shape(svg, "rect", {class: "bar", x: box.left + i * width + 1, y: y(value),
			width: Math.max(1, width - 3), height: box.bottom - y(value)});
		if (width > 38 || i % 2 === 0)
			shape(svg, "text", {x: box.left + (i + 0.5) * width, y: box.bottom + 15,
				"text-anchor": "middle"},
			i < trips.bounds_ms.length ? bound(trips.bounds_ms[i]) : "more");
	});
	show("trips-line", all ? plural(all, "answer") + " in the last hour, half of them " +
		median(counts, trips.bounds_ms, all) + "." : "No keepalive was answered in the last hour.");
}

function draw()
{
	drawHistory();
	drawSpread();
	drawTrips();
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

	lostAgainAt = asked + EASE * (Date.now() - asked);
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
