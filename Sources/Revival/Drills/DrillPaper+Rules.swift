// SPDX-License-Identifier: EUPL-1.2

extension DrillPaper {
    /// Calm on a screen and on A4. Every colour of a text stands out from its ground by 4.5 to 1
    /// (WCAG 2.2, 1.4.3), every colour of a shape by 3 to 1.
    static let rules: StaticString = """

        @page { size: A4; margin: 14mm 16mm 15mm; @bottom-right { content: counter(page) " / "
          counter(pages); font: 8pt sans-serif; color: #55606b } }
        :root { color-scheme: light; print-color-adjust: exact; -webkit-print-color-adjust: exact }
        * { box-sizing: border-box }
        body { font: 10pt/1.45 "Segoe UI", "Helvetica Neue", "Liberation Sans", Arial, sans-serif;
          color: #1c2733; background: #fff; max-width: 178mm; margin: 10mm auto; padding: 0 5mm;
          overflow-wrap: anywhere }
        h1 { font-size: 21pt; line-height: 1.2; margin: 0 0 3mm; letter-spacing: -.01em }
        h2 { font-size: 12.5pt; margin: 0 0 2mm; break-after: avoid }
        h3 { font-size: 10pt; margin: 2.5mm 0 1mm; break-after: avoid }
        p { margin: 0 0 1.5mm }
        ul, ol { margin: 0; padding-left: 5mm }
        li { margin: 0 0 .8mm }
        li, .reason { white-space: pre-line }
        code { font: 9pt "Liberation Mono", Consolas, monospace }
        section { margin: 6mm 0 0 }
        .whole { break-inside: avoid }
        .kicker { color: #55606b; font-size: 9pt; margin: 0 0 1mm }
        .note { color: #55606b; font-size: 9pt }
        .facts { display: flex; flex-wrap: wrap; gap: 1mm 8mm; margin: 0 }
        .facts div { max-width: 100% }
        dt { color: #55606b; font-size: 8.5pt }
        dd { margin: 0 }
        .heavy { font-weight: 600 }
        .verdict { display: flex; gap: 5mm; align-items: center; margin: 6mm 0 5mm; padding: 5mm
          6mm; break-inside: avoid; border-left: 2mm solid; border-radius: 1mm }
        .verdict p { margin: 0 }
        .verdict .sentence { font-size: 17pt; line-height: 1.25; font-weight: 600; margin: 0 0 1mm }
        .passed { background: #e9f4ee; border-color: #1c7048 }
        .passed .sentence { color: #11502f }
        .failed { background: #fbeeed; border-color: #a8262b }
        .failed .sentence { color: #851c20 }
        .tiles { display: grid; grid-template-columns: repeat(5, 1fr); gap: 3mm; margin: 0;
          break-inside: avoid }
        .tiles div { display: flex; flex-direction: column-reverse; justify-content: flex-end;
          padding: 2.5mm 0 0; border-top: .3mm solid #c9d1d9 }
        .tiles dd { font-size: 13.5pt; font-weight: 600; line-height: 1.25; font-variant-numeric:
          tabular-nums }
        table { width: 100%; border-collapse: collapse; table-layout: fixed }
        th { text-align: left; font-weight: inherit }
        thead { display: table-header-group }
        thead th { color: #55606b; font-size: 8.5pt; padding: 0 3mm 1mm 0; border-bottom: .3mm
          solid #8b97a3 }
        tbody th { font-weight: 600 }
        tbody th, td { padding: 1.5mm 3mm 1.5mm 0; vertical-align: top; unicode-bidi: isolate }
        .services tbody, tr { break-inside: avoid; border-bottom: .2mm solid #dde2e7 }
        .services tr { border: 0 }
        .services th:nth-child(2), .services th:nth-child(3) { width: 27% }
        .services th:nth-child(4) { width: 21% }
        .why td { padding-top: 0 }
        .trials th:nth-child(1), .needs th:nth-child(1) { width: 26% }
        .trials th:nth-child(3) { width: 15% }
        .trials th:nth-child(4) { width: 21% }
        .result { white-space: nowrap; padding-right: 0 }
        .needs th:nth-child(3) { width: 34% }
        .earlier th:nth-child(1) { width: 29% }
        .earlier th:nth-child(3) { width: 21% }
        .earlier th:nth-child(4) { width: 14% }
        .earlier th, .earlier td { padding-top: .8mm; padding-bottom: .8mm }
        .earlier .result span { font-weight: inherit }
        .past th { font-weight: inherit }
        .own { font-weight: 600 }
        .figure, .value { font-variant-numeric: tabular-nums }
        .value { font-weight: 600; margin-right: 2mm; white-space: nowrap }
        .past .value { font-weight: inherit }
        .allowed { color: #55606b; font-size: 8.5pt; white-space: nowrap }
        .reason { color: #851c20; font-size: 9pt }
        .ill { color: #a8262b; font-weight: 600 }
        .well { color: #175c3b }
        .caution { color: #75480a; font-weight: 600 }
        .faults { list-style: none; padding: 0 }
        .marked { padding-left: 6mm; text-indent: -6mm }
        .apart { margin: 4mm 0 0 }
        svg { display: block }
        .bar { width: 100%; height: 3.2mm; margin-top: .6mm }
        .course { display: flex; align-items: center }
        .course .value { flex: none; min-width: 21mm }
        .course .bar { margin: 0 }
        .mark { display: inline-block; width: 4mm; height: 4mm; margin-right: 2mm; vertical-align:
          -.75mm }
        .large { width: 15mm; height: 15mm; margin: 0; flex: none }
        .good { fill: #1c7048 }
        .bad { fill: #a8262b }
        .warned { fill: #8a5508 }
        .sign { fill: none; stroke: #fff; stroke-width: 2; stroke-linecap: round; stroke-linejoin:
          round }
        .track { fill: #e3e8ec }
        .within { fill: #2f6f9f }
        .over { fill: #a8262b }
        .target { stroke: #1c2733; stroke-width: 1.4 }
        rect.own { fill: #2f6f9f }
        rect.past { fill: #8494a3 }
        .legend { break-after: avoid; display: flex; flex-wrap: wrap; gap: 1mm 5mm; font-size:
          8.5pt; color: #3c4853 }
        .key { display: inline-block; width: 5.4mm; height: 3mm; margin-right: 1.5mm;
          vertical-align: -.3mm }
        .picture { width: 100%; height: auto; break-inside: avoid; font-size: 11px; margin-bottom:
          2mm }
        .picture text { fill: #1c2733; unicode-bidi: isolate; white-space: pre }
        .picture .tick { fill: #55606b; text-anchor: middle; font-size: 10px }
        .picture .kind { fill: #55606b; font-size: 10px }
        .picture .length { fill: #3c4853; font-size: 10px; paint-order: stroke; stroke: #fff;
          stroke-width: 3px }
        .picture .number { fill: #fff; text-anchor: middle; font-size: 9px; font-weight: 700 }
        .rank { fill: #1c2733 }
        .grid { stroke: #dde2e7; stroke-width: 1 }
        .served { stroke: #1c7048; stroke-width: 1.6; stroke-dasharray: 4 2 }
        .kind0 { fill: #5b8fb9 }
        .kind1 { fill: #3f8f8a }
        .kind2 { fill: #b9852f }
        .kind3 { fill: #7b8894 }
        .fallen { fill: #fbeeed; stroke: #a8262b; stroke-width: 1.2; stroke-dasharray: 3 2 }
        .longer { stroke: #1c2733; stroke-width: 1.2 }
        .longest { padding-left: 6mm; break-inside: avoid }
        .longest li::marker { font-weight: 700 }
        footer { margin: 5mm 0 0; padding: 3mm 0 0; border-top: .3mm solid #8b97a3; font-size:
          8.5pt; color: #3c4853; break-inside: avoid }
        footer p { margin: 2mm 0 0 }
        @media print { body { margin: 0; padding: 0; max-width: none } }
        @media (max-width: 600px) { .tiles { grid-template-columns: repeat(2, 1fr) } .picture {
          min-width: 480px } }

        """
}
