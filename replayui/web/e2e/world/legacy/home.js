// As it was written: every address whole, for the site's own name and the CDN's.
var news = document.getElementById("news");
var flag = new Image(32, 24);
flag.src = "CDN/img/flag.png";
news.parentNode.appendChild(flag);
fetch("LEGACY/api/news.json").then(function (r) { return r.json(); }).then(function (list) {
  news.textContent = list.join("; ");
  var box = document.createElement("div");
  box.id = "teaser";
  box.innerHTML = '<a href="LEGACY/claim/start?from=teaser">Now online</a>';
  box.style.backgroundImage = "url(CDN/img/teaser-back.png)";
  news.parentNode.appendChild(box);
});
