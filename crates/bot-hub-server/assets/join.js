// Fills the code in and offers to copy. Sends nothing anywhere: the code stays in the fragment of the link.
"use strict";

const code = decodeURIComponent(location.hash.slice(1)).trim();
const isCode = /^(bh_inv_[0-9A-Za-z]{22}|[0-9A-Za-z]{4}(-?[0-9A-Za-z]{4}){3})$/.test(code);
const copied = document.getElementById("copied");

if (isCode) {
  document.getElementById("code-missing").hidden = true;
  document.getElementById("code-here").hidden = false;
}

for (const line of document.querySelectorAll(".line")) {
  const text = line.querySelector("code");
  const name = document.getElementById(line.querySelector("pre").getAttribute("aria-labelledby")).textContent;
  if (isCode) text.textContent = text.textContent.replaceAll("CODE", code);
  if (!navigator.clipboard) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy the line for ${name}`);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.textContent);
      copied.textContent = `The line for ${name} is copied.`;
    } catch {
      copied.textContent = "Your browser does not let this page copy. Select the line and copy it by hand.";
    }
  });
  line.append(button);
}
