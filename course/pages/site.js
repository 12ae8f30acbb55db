// Theme, menu, table of contents, track and search of the site. Without it the pages can be read.

const root = document.documentElement;
const $ = (selector) => document.querySelector(selector);
root.classList.add("scripted");

// ---- theme: the widgets' frames watch data-theme
const dark = $("#dark");
function paint(theme) {
  root.dataset.theme = theme;
  dark.setAttribute("aria-pressed", String(theme === "dark"));
}
function remember(theme) {
  try {
    localStorage.setItem("pixelwise-theme", theme);
  } catch {
    // private windows keep nothing
  }
}
paint(root.dataset.theme);
dark.addEventListener("click", () => {
  paint(root.dataset.theme === "dark" ? "light" : "dark");
  remember(root.dataset.theme);
});

// ---- the lessons' menu on a narrow screen
const menu = $("#menu");
function unfold(open) {
  root.classList.toggle("menu", open);
  menu.setAttribute("aria-expanded", String(open));
}
menu.addEventListener("click", () => unfold(!root.classList.contains("menu")));
addEventListener("keydown", (event) => event.key === "Escape" && unfold(false));

// ---- where the reader is: marked in the contents, and kept when the track is changed
const contents = $(".contents details");
if (contents && !matchMedia("(min-width: 1180px)").matches) contents.open = false;
const entries = [...document.querySelectorAll(".contents a")].map((link) => ({
  link,
  heading: document.getElementById(decodeURIComponent(link.hash.slice(1))),
}));
const ways = document.querySelectorAll(".tracks a:not([aria-current])");
let waiting = false;
function locate() {
  waiting = false;
  // the last section may be too short to reach the top of the window
  const atEnd = scrollY + innerHeight > document.documentElement.scrollHeight - 4;
  const line = atEnd ? innerHeight : $("header").offsetHeight + 40;
  const above = entries.filter(({ heading }) => heading.getBoundingClientRect().top < line);
  const here = above.at(-1);
  for (const entry of entries) {
    if (entry === here) entry.link.setAttribute("aria-current", "true");
    else entry.link.removeAttribute("aria-current");
  }
  const shared = above.filter(({ link }) => "shared" in link.dataset).at(-1);
  for (const way of ways) way.hash = shared ? shared.link.hash : "";
}
if (entries.length) {
  addEventListener("scroll", () => {
    if (!waiting) requestAnimationFrame(locate);
    waiting = true;
  }, { passive: true });
  locate();
}

// ---- boxes that scroll sideways must be reached by keyboard
function reachable() {
  for (const box of document.querySelectorAll("pre, .wide, .math")) {
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}
addEventListener("resize", reachable);
document.addEventListener("toggle", reachable, true);
reachable();

// ---- search
const search = $("#search");
const words = $("#words");
const found = $("#found");
const results = $("#results");
const PAGES = 8, PLACES = 3;
let index;

function open() {
  if (!search.open) search.showModal();
  words.select();
  index ??= import(new URL(search.dataset.index, location)).catch(() => null);
}

function place(title, address, excerpt) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = address;
  link.textContent = title;
  link.addEventListener("click", () => search.close()); // it may lead to this very page
  item.append(link);
  if (excerpt) {
    const text = document.createElement("p");
    text.innerHTML = excerpt; // pagefind escapes all but <mark>
    item.append(text);
  }
  return item;
}

/** How well a section fits: a word in a heading counts more than one in the text. */
function score(part) {
  return part.weighted_locations.reduce((sum, { balanced_score }) => sum + balanced_score, 0);
}

async function look() {
  const asked = words.value.trim();
  const pagefind = await index;
  if (!pagefind) return (found.textContent = "The search needs a server: make site-serve.");
  const track = search.dataset.track;
  const filters = track ? { track: { any: [track, "both"] } } : {};
  const answer = await pagefind.debouncedSearch(asked, { filters }, 150);
  if (!answer || asked !== words.value.trim()) return; // something else has been typed since
  const pages = await Promise.all(answer.results.slice(0, PAGES).map((result) => result.data()));
  results.replaceChildren(
    ...pages.map((page) => {
      const name = page.meta.track && !track ? `${page.meta.title} (${page.meta.track})` : page.meta.title;
      const item = place(name, page.url);
      const places = document.createElement("ul");
      for (const part of page.sub_results.sort((a, b) => score(b) - score(a)).slice(0, PLACES)) {
        places.append(place(part.title, part.url, part.excerpt));
      }
      item.append(places);
      return item;
    }),
  );
  const count = answer.results.length;
  if (!asked) found.textContent = "";
  else found.textContent = count ? `In ${count} ${count === 1 ? "lesson" : "lessons"}.` : "Nothing found.";
}

$("#find").addEventListener("click", open);
$("#leave").addEventListener("click", () => search.close());
words.addEventListener("input", look);
search.addEventListener("click", (event) => event.target === search && search.close());
$("#search form").addEventListener("submit", (event) => {
  event.preventDefault();
  results.querySelector("a")?.focus();
});
search.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const stops = [words, ...results.querySelectorAll("a")];
  stops[stops.indexOf(document.activeElement) + step]?.focus();
  event.preventDefault();
});
addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, textarea, select");
  if ((event.key === "/" && !typing) || (event.key === "k" && (event.ctrlKey || event.metaKey))) {
    event.preventDefault();
    open();
  }
});
