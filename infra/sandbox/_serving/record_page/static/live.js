// Keeps the page as fresh as the record: asks for its version every second, and when that
// moved takes the new page's content and lets what changed light up.
"use strict";

const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];
const SPOKEN = Object.fromEntries(
  ["en", "fa"].map((language) => [language, new Intl.RelativeTimeFormat(language, { numeric: "auto" })]),
);
const DATED = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium" });
let version = null;

function relative(instant, language) {
  const seconds = (instant - Date.now()) / 1000;
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  return SPOKEN[language].format(Math.trunc(seconds / size), unit);
}

function tell() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const instant = new Date(time.dateTime);
    time.textContent = relative(instant, time.closest("[dir=rtl]") ? "fa" : "en");
    time.title = DATED.format(instant);
  }
}

function shown(root) {
  const fields = [...root.querySelectorAll("[data-field]")];
  return new Map(fields.map((field) => [field.dataset.field, field.textContent]));
}

async function replaceContent() {
  const answer = await fetch(location.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const main = document.querySelector("main");
  const before = shown(main);
  main.replaceChildren(...page.querySelector("main").childNodes);
  for (const field of main.querySelectorAll("[data-field]")) {
    const fresh = before.get(field.dataset.field) !== field.textContent;
    field.classList.toggle("fresh", fresh);
  }
}

async function refresh() {
  const answer = await fetch(document.querySelector("main").dataset.state);
  const state = await answer.json();
  if (version !== null && state.version !== version) await replaceContent();
  version = state.version;
}

async function live() {
  const pulse = document.querySelector(".pulse");
  try {
    await refresh();
    pulse.classList.remove("lost");
  } catch {
    pulse.classList.add("lost");
  }
  tell();
  setTimeout(live, 1000);
}

tell();
live();
