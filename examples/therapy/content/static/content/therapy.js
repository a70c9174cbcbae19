/* Shows the pages of a programme: asks `api` for them, draws their pagelets, posts the answers. */
"use strict";

(function () {
  const place = document.getElementById("page");
  let shownAt = 0;

  /* An element: node("p.lead", {title: "x"}, child, "text"…) */
  function node(what, attributes, ...children) {
    const [name, ...classes] = what.split(".");
    const made = document.createElement(name);
    if (classes.length) made.className = classes.join(" ");
    for (const [key, value] of Object.entries(attributes || {})) {
      if (typeof value === "boolean") made[key] = value;
      else if (value !== undefined && value !== null) made.setAttribute(key, value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  }

  /* Text of an author: HTML made by the server, its variables filled in as text. */
  function section(item, what) {
    const made = node(what || "div");
    made.innerHTML = item.content;
    for (const hole of made.querySelectorAll("[data-variable]"))
      hole.textContent = (item.variables || {})[hole.dataset.variable] ?? "";
    return made;
  }

  function choices(field, kind, name) {
    const chosen = kind === "checkbox" ? [].concat(field.value ?? []).map(String) : [String(field.value ?? "")];
    return field.alternatives.map((item) =>
      node("label.choice", {}, node("input", {
        type: kind, name, value: item.value, checked: chosen.includes(String(item.value)),
        required: kind === "radio" && Boolean(field.required),
      }), item.label));
  }

  const fields = {
    string: (f) => labelled(f, node("input", {type: "text", maxlength: f.max_length ?? 200})),
    email: (f) => labelled(f, node("input", {type: "email", maxlength: 254})),
    password: (f) => labelled(f, node("input", {type: "password", maxlength: 128})),
    numeric: (f) => labelled(f, node("input", {type: "number", min: f.min, max: f.max, step: f.step ?? "any"})),
    text: (f) => labelled(f, node("textarea", {rows: 4, maxlength: f.max_length ?? 2000})),
    hiddenfield: (f) => node("input", {type: "hidden", name: f.variable_name, value: f.value ?? ""}),
    multiplechoice: (f) => node("fieldset", {}, node("legend", {}, f.label), ...choices(f, "radio", f.variable_name)),
    multipleselection: (f) => node("fieldset", {}, node("legend", {}, f.label), ...choices(f, "checkbox", f.variable_name)),
  };

  function labelled(field, input) {
    input.name = field.variable_name;
    input.required = Boolean(field.required);
    if (field.value !== null && field.value !== undefined) input.value = field.value;
    return node("div.field", {}, node("label", {}, field.label, input));
  }

  function toggles(pagelet, kind) {
    const content = pagelet.content;
    const made = node("fieldset", {}, node("legend", {}, content.label ?? ""), ...choices(content, kind, content.variable_name));
    const texts = content.alternatives.map((item) => section(item));
    const update = () => {
      made.querySelectorAll("input").forEach((input, at) => { texts[at].hidden = !input.checked; });
    };
    made.append(...texts);
    made.addEventListener("change", update);
    update();
    return made;
  }

  function quiz(pagelet) {
    const content = pagelet.content;
    const answer = node("p", {role: "status"});
    const made = node("fieldset", {}, node("legend", {}, content.question));
    content.alternatives.forEach((item) => {
      const input = node("input", {type: "radio", name: content.variable_name, value: item.value});
      input.addEventListener("change", () => {
        answer.textContent = item.response;
        answer.className = item.right ? "right" : "wrong";
      });
      made.append(node("label.choice", {}, input, item.label));
    });
    made.append(answer);
    return made;
  }

  const pagelets = {
    text: (p) => section(p),
    toggle: (p) => {
      const text = section(p);
      text.hidden = true;
      const button = node("button.plain", {type: "button"}, p.button);
      button.addEventListener("click", () => { text.hidden = !text.hidden; });
      return node("div", {}, button, text);
    },
    toggleset: (p) => toggles(p, "radio"),
    togglesetmulti: (p) => toggles(p, "checkbox"),
    conditionalset: (p) => node("div", {}, ...p.content.map((item) => section(item, "div.conditional"))),
    expression: (p) => node("p.worked-out", {}, p.content.label, node("output", {}, p.content.value)),
    form: (p) => node("div", {}, ...p.content.map((field) => (fields[field.field_type] ?? fields.string)(field))),
    quiz,
    image: (p) => node("img", {src: p.content.url, alt: p.content.alt ?? ""}),
    video: (p) => node("video", {src: p.content.url, controls: true}),
    audio: (p) => node("audio", {src: p.content.url, controls: true}),
    file: (p) => node("p", {}, node("a", {href: p.content.url, download: ""}, p.content.title)),
  };

  /* Answers by variable; those of checkboxes are lists, those of numbers are numbers. */
  function answers(form) {
    const found = {};
    for (const input of form.elements) {
      if (!input.name) continue;
      if (input.type === "checkbox") {
        found[input.name] = found[input.name] ?? [];
        if (input.checked) found[input.name].push(input.value);
      } else if (input.type === "number") {
        if (input.value !== "") found[input.name] = Number(input.value);
      } else if (input.type !== "radio" || input.checked) {
        found[input.name] = input.value;
      }
    }
    return found;
  }

  function chapters(page) {
    if (!page.is_chapter) return null;
    return node("ol.chapters", {}, ...page.chapters.map((item) => {
      if (item.is_current || !item.is_enabled) return node(item.is_current ? "li.current" : "li", {}, item.title);
      const button = node("button.plain", {type: "button"}, item.title);
      button.addEventListener("click", () => ask(`?chapter=${item.id}`));
      return node("li", {}, button);
    }));
  }

  /* A page that was seen before: to be read, not to be answered. */
  function readAgain(page, form) {
    form.querySelectorAll("input, textarea").forEach((input) => { input.disabled = true; });
    const button = node("button", {type: "button"}, "Go on where I was");
    button.addEventListener("click", () => ask(""));
    form.append(node("div.next", {}, button));
  }

  function show(page) {
    const form = node("form", {}, ...page.data.map((item) => (pagelets[item.content_type] ?? (() => null))(item)));
    const goesOn = !page.read_only && (!page.dead_end || page.stacked);
    if (page.read_only) readAgain(page, form);
    else if (goesOn) form.append(node("div.next", {}, node("button", {}, page.dead_end ? "Back" : "Next")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!goesOn) return;
      form.querySelector(".next button").disabled = true;
      const body = {...answers(form), timer: Math.round(performance.now() - shownAt)};
      ask(page.dead_end ? "?pop=1" : "?next=1", body);
    });
    document.title = `${page.title} – Quiet hours`;
    place.replaceChildren(...[chapters(page), node("h1", {}, page.title), form].filter(Boolean));
    shownAt = performance.now();
    window.scrollTo(0, 0);
  }

  function say(text) {
    place.replaceChildren(node("p", {}, text), node("p", {}, node("a", {href: "/home"}, "Back to the entrance")));
  }

  async function ask(query, body) {
    const request = {headers: {"X-Requested-With": "XMLHttpRequest"}, credentials: "same-origin"};
    if (body) {
      request.method = "POST";
      request.headers["X-CSRFToken"] = csrf_token;
      request.headers["Content-Type"] = "application/json";
      request.body = JSON.stringify(body);
    }
    try {
      const response = await fetch(api + query, request);
      if (response.status === 403) return say("You were away for long: please load the page again.");
      const page = await response.json();
      return response.ok ? show(page) : say(page.detail);
    } catch (error) {
      return say("There is no connection just now. Please try again in a moment.");
    }
  }

  if (place) ask(location.search);
})();
