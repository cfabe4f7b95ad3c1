/* Pictures, of what page.js has asked for. */

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
