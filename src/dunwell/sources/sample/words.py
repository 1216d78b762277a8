"""What the sample book's names and addresses are made of. Domains, and phone numbers where a country has such, are
reserved for fiction."""

from typing import Final

FIRST_NAMES: Final = {
    "de": "Anna Jonas Katrin Lukas Sabine Markus Petra Stefan Claudia Felix Monika Tobias Heike Daniel Ute Florian",
    "fr": "Camille Julien Sophie Nicolas Claire Antoine Isabelle Mathieu Nathalie Olivier Chloé Thierry Élodie Pascal",
    "nl": "Sanne Daan Femke Bram Lotte Jeroen Anouk Pieter Marieke Sjoerd Esther Ruben",
    "it": "Giulia Marco Francesca Luca Chiara Matteo Elena Davide Paola Stefano",
    "en": "Emma Oliver Grace Thomas Hannah George Alice William Priya Samuel Zoe Henry Amara Patrick Ruth Callum",
}
LAST_NAMES: Final = {
    "de": "Müller Schneider Fischer Weber Wagner Becker Hoffmann Schäfer Koch Richter Klein Wolf Neumann Schwarz "
    "Krüger Hartmann Lange Werner Köhler Maier Fuchs Vogel Jansen Lorenz Böhm Huber Gruber Steiner Baumann Brunner",
    "fr": "Martin Bernard Dubois Laurent Moreau Girard Rousseau Fontaine Chevalier Gauthier Perrin Morel "
    "Lambert Renaud",
    "nl": "Jansen Visser Bakker Smit Meijer Mulder Dekker Brouwer Hendriks Postma Kuiper Vos",
    "it": "Rossi Ferrari Bianchi Romano Colombo Ricci Marino Greco Conti Galli",
    "en": "Smith Taylor Walker Wright Hughes Green Clarke Bennett Fletcher Marsh Doyle Barker Osborne Whitfield Pearce "
    "Ellis Harding Lowe Ashworth Carver Thornton Okafor Patel Sheridan",
}
TRADES: Final = {
    "de": "Metallbau Logistik Elektrotechnik Gartenbau Druckerei Möbel Bau Kältetechnik Werkzeuge Medizintechnik "
    "Feinkost Holzhandel Fahrzeugteile Textil Software Verpackung",
    "fr": "Menuiserie Transports Imprimerie Électricité Jardins Mécanique Boulangerie Emballages Textiles Conseil",
    "nl": "Bouw Transport Techniek Groothandel Drukwerk Tuinen Verpakking Installatie",
    "it": "Meccanica Tessile Arredi Trasporti Impianti Alimentari",
    "en": "Engineering Logistics Interiors Foods Packaging Electrical Joinery Textiles Printing Systems Catering "
    "Plumbing Motors Instruments Landscapes Fabrication",
}
FORMS: Final = {
    "DE": "GmbH GmbH GmbH KG AG UG", "AT": "GmbH GmbH AG OG", "CH": "AG AG GmbH SA", "FR": "SARL SAS SA",
    "NL": "B.V. B.V. N.V.", "IT": "S.r.l. S.p.A.", "GB": "Ltd Ltd Ltd LLP plc", "IE": "Ltd DAC", "US": "Inc. LLC Corp.",
}  # fmt: skip
STREETS: Final = {
    "de": "Hauptstraße Bahnhofstraße Lindenweg Industriestraße Am_Markt Schillerstraße Gartenweg Ringstraße",
    "fr": "rue_de_la_Gare avenue_Victor_Hugo rue_des_Lilas place_du_Marché chemin_des_Vignes rue_Pasteur",
    "nl": "Stationsweg Kerkstraat Havenkade Molenweg Industrieweg",
    "it": "Via_Roma Via_Garibaldi Corso_Italia Via_dei_Mille",
    "en": "High_Street Station_Road Mill_Lane Church_Road Victoria_Street Park_Avenue Canal_Street Market_Square",
}
CITIES: Final = {
    "DE": "Hamburg Bremen Kassel Leipzig Ulm Aachen Rostock Erfurt Mainz", "AT": "Wien Graz Linz Villach",
    "CH": "Zürich Basel Bern Genève Lausanne", "FR": "Lyon Nantes Lille Rennes Dijon", "NL": "Utrecht Eindhoven Arnhem",
    "IT": "Milano Torino Verona", "GB": "Leeds Bristol Norwich Cardiff Sheffield Dundee", "IE": "Cork Galway Dublin",
    "US": "Albany Dayton Boise Tucson",
}  # fmt: skip
PUBLIC: Final = {
    "de": "Stadtwerke Landratsamt Stadtverwaltung Universitätsklinikum",
    "fr": "Mairie_de Hôpital_de",
    "nl": "Gemeente",
    "it": "Comune_di",
    "en": "City_Council_of County_of University_of",
}
# Ranges kept for films and books: Ofcom, Bundesnetzagentur, ARCEP, NANPA.
PHONES: Final = {
    "DE": "+4930231250{:02d}",
    "GB": "+4416329602{:02d}",
    "FR": "+331990056{:02d}",
    "US": "+12125550{:03d}",
}
SALES_REPS: Final = ("Berger", "Castell", "Dahl", "Evans", "Foster", "Iqbal", "Novak", "Reyes")
DISPUTES: Final = (
    "Goods damaged in transit",
    "Quantity short",
    "Price differs from the order",
    "Never received",
    "Returned",
)
HOLDS: Final = (
    "Key account manager asked for time",
    "Awaiting credit note",
    "Insolvency under review",
    "Address being checked",
)
PAYMENT_TEXTS: Final = (
    "Payment on account",
    "Rechnung lt. Aufstellung",
    "Invoices March",
    "Zahlung",
    "Various invoices",
)


def words(text: str) -> tuple[str, ...]:
    """Split a list of words; an underscore stands for a space within one."""
    return tuple(word.replace("_", " ") for word in text.split())
